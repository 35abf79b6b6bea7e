"""How many tokens a text has where the provider does not say, and how that was found out.

Uses the encoding files that litellm ships, found without importing it; never the network.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from limi_sessions.records.message import CountMethod

if TYPE_CHECKING:
    from tiktoken import Encoding

ENCODING = "cl100k_base"
_URL = "https://openaipublic.blob.core.windows.net/encodings/cl100k_base.tiktoken"
"""tiktoken keeps the file of a URL under the URL's SHA-1. Source: tiktoken 0.14, `load.read_file_cached`."""
_CHARS_PER_TOKEN = 4
_CHUNK = 20_000
"""tiktoken's time grows faster than a long run without spaces, so texts are counted in parts."""


def count_text(text: str) -> tuple[int, CountMethod]:
    """Tokens of a text, and ``tokenizer:<name>`` or ``estimate``.

    The first call loads the encoding, which takes some tenths of a second: call it outside the event loop.
    """
    encoding = _encoding()
    if encoding is None:
        return estimate_text(text)
    parts = (text[start : start + _CHUNK] for start in range(0, len(text), _CHUNK))
    return sum(len(encoding.encode_ordinary(part)) for part in parts), f"tokenizer:{ENCODING}"


def estimate_text(text: str) -> tuple[int, CountMethod]:
    """Tokens of a text by its length alone, for where there is no time to count."""
    return -(-len(text.encode("utf-8", "replace")) // _CHARS_PER_TOKEN), "estimate"


@lru_cache(maxsize=1)
def _encoding() -> Encoding | None:
    directory = _cache_directory()
    if directory is None:
        return None
    before = os.environ.get("TIKTOKEN_CACHE_DIR")
    os.environ["TIKTOKEN_CACHE_DIR"] = str(directory)
    try:
        import tiktoken

        return tiktoken.get_encoding(ENCODING)
    except Exception:  # noqa: BLE001 - a damaged file or another tiktoken: the estimate is used
        return None
    finally:
        if before is None:
            del os.environ["TIKTOKEN_CACHE_DIR"]
        else:
            os.environ["TIKTOKEN_CACHE_DIR"] = before


def _cache_directory() -> Path | None:
    """A directory that holds the encoding file, so that tiktoken does not fetch it."""
    name = hashlib.sha1(_URL.encode(), usedforsecurity=False).hexdigest()
    candidates = [Path(given)] if (given := os.environ.get("TIKTOKEN_CACHE_DIR")) else []
    found = importlib.util.find_spec("litellm")
    if found is not None and found.origin is not None:
        candidates.append(Path(found.origin).parent / "litellm_core_utils" / "tokenizers")
    return next((directory for directory in candidates if (directory / name).is_file()), None)
