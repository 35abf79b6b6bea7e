"""What the user means by ``--model NAME``.

    demo                    the embedded demonstration model
    scripted:FILE           answers from a file
    zai/glm-4.5             a provider by litellm's name; its key from the environment or the keyring
    openai/NAME             OpenAI, or any compatible server given by --api-base or OPENAI_BASE_URL
    ollama/NAME             a local Ollama, through its /v1

Reads litellm's shipped list of models, without importing litellm.
"""

from __future__ import annotations

import difflib
import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, cast

from limi_sessions.agent.keys import KEY_VARIABLES, KEYRING_SERVICE, KeySource, find_key, key_value, secrets_in

ModelKind = Literal["litellm", "scripted", "demo"]

OLLAMA_BASE = "http://127.0.0.1:11434/v1"
_KEYLESS = frozenset(
    {"bedrock", "sagemaker", "vertex_ai", "hosted_vllm", "lm_studio", "litellm_proxy", "github_copilot"}
)
"""Prefixes whose access is not one key: cloud identities, and servers of the user's own."""
_NEEDS_BASE = frozenset({"hosted_vllm", "litellm_proxy"})
_BASE_VARIABLES = {
    "openai": ("OPENAI_BASE_URL", "OPENAI_API_BASE"),
    "hosted_vllm": ("HOSTED_VLLM_API_BASE",),
    "litellm_proxy": ("LITELLM_PROXY_API_BASE",),
    "lm_studio": ("LM_STUDIO_API_BASE",),
}


class UnknownModel(ValueError):
    """A model name that cannot be used; the message says what to do."""


@dataclass(frozen=True)
class ModelSpec:
    """A model that can be asked. Holds no key, only where it is found."""

    name: str
    """As the user typed it."""
    kind: ModelKind
    litellm_name: str
    api_base: str | None = None
    """None: the provider's own, or a local server that is started with the client."""
    key_variable: str | None = None
    """The variable, in the environment or the keyring, that holds the key; None: no key is sent."""
    key_source: KeySource = "none"
    script: Path | None = None

    @property
    def demo(self) -> bool:
        """Whether this is the embedded demonstration model."""
        return self.kind == "demo"


def parse_model(name: str, *, api_base: str | None = None, environ: Mapping[str, str]) -> ModelSpec:
    """The model of a name.

    Args:
        name: as in the module's docstring.
        api_base: an endpoint that overrides the provider's own.
        environ: where keys and base URLs are looked up.

    Raises:
        UnknownModel: no such provider or model, a missing script, or no key; the message says what to do.
    """
    name = name.strip()
    if name == "demo":
        return ModelSpec(name, "demo", "openai/demo")
    if name.startswith("scripted:"):
        return _scripted(name)
    if api_base is not None and not api_base.startswith(("http://", "https://")):
        raise UnknownModel(f"--api-base {api_base!r} is no URL: give it as http://HOST:PORT/v1")
    prefix, slash, rest = name.partition("/")
    if not slash:
        name, prefix, rest = _prefixed(name, api_base=api_base)
    if not rest:
        raise UnknownModel(f"the model {name!r} has no name after the provider: write {prefix}/NAME")
    if prefix in ("ollama", "ollama_chat"):
        return ModelSpec(name, "litellm", f"openai/{rest}", api_base=api_base or ollama_base(environ))
    if prefix not in _prefixes():
        raise UnknownModel(f"no provider is called {prefix!r}.{_suggestions(name)} {_WHAT_TO_DO}")
    base = api_base or next((environ[v] for v in _BASE_VARIABLES.get(prefix, ()) if environ.get(v)), None)
    if base is None and prefix in _NEEDS_BASE:
        raise UnknownModel(f"{prefix} is a server of your own: give its address with --api-base http://HOST:PORT/v1")
    return _with_key(ModelSpec(name, "litellm", name, api_base=base), prefix=prefix, environ=environ)


def secret_values(environ: Mapping[str, str], spec: ModelSpec | None) -> tuple[str, ...]:
    """Values that must appear in no journal, recording or log, the longest first.

    Every variable named like a secret, and the key of the model where it comes from the keyring.
    """
    values = set(secrets_in(environ))
    if spec is not None and (key := key_value(spec.key_variable, environ)):
        values.add(key)
    return tuple(sorted(values, key=lambda value: (-len(value), value)))


_WHAT_TO_DO = (
    "Use demo, scripted:FILE, ollama/NAME, openai/NAME --api-base URL for a compatible server, "
    "or a provider by litellm's name such as zai/glm-4.5; `limi model list` shows what is ready here."
)


def _scripted(name: str) -> ModelSpec:
    script = Path(name.removeprefix("scripted:")).expanduser().absolute()
    if not script.is_file():
        raise UnknownModel(f"there is no script file {script}: write scripted:FILE with a YAML or JSON file of turns")
    from limi_sessions.agent.script import ScriptUnreadable, read_script

    try:
        read_script(script)
    except ScriptUnreadable as error:
        raise UnknownModel(str(error)) from error
    return ModelSpec(name, "scripted", "openai/scripted", script=script)


def _prefixed(name: str, *, api_base: str | None) -> tuple[str, str, str]:
    if api_base is not None:
        return f"openai/{name}", "openai", name
    provider = known_models().get(name)
    if provider is None:
        raise UnknownModel(f"no model is called {name!r}.{_suggestions(name)} {_WHAT_TO_DO}")
    # Cloud families are listed under names that are no prefixes: litellm finds those by the bare name.
    full = f"{provider}/{name}" if provider in KEY_VARIABLES else name
    return full, provider, name


def ollama_base(environ: Mapping[str, str]) -> str:
    """Where Ollama's compatible endpoint is, by OLLAMA_API_BASE or OLLAMA_HOST, else its usual port."""
    base = environ.get("OLLAMA_API_BASE") or environ.get("OLLAMA_HOST") or OLLAMA_BASE
    if "://" not in base:
        base = f"http://{base}"
    # OLLAMA_HOST is also where the server binds: 0.0.0.0 is no address to connect to.
    base = base.replace("//0.0.0.0", "//127.0.0.1").rstrip("/")
    if base.startswith("http://") and ":" not in base.removeprefix("http://"):
        base += ":11434"
    return base if base.endswith("/v1") else f"{base}/v1"


def _with_key(spec: ModelSpec, *, prefix: str, environ: Mapping[str, str]) -> ModelSpec:
    variables = KEY_VARIABLES.get(prefix, (f"{prefix.upper()}_API_KEY",))
    variable, source = find_key(variables, environ)
    if variable is None and spec.api_base is None and prefix in KEY_VARIABLES:
        raise UnknownModel(
            f"{spec.name} needs a key: set {variables[0]} in the environment, "
            f"or keep it in the keyring with `keyring set {KEYRING_SERVICE} {variables[0]}`"
        )
    return ModelSpec(
        spec.name, spec.kind, spec.litellm_name, api_base=spec.api_base, key_variable=variable, key_source=source
    )


def _suggestions(name: str) -> str:
    models = [
        full if full.startswith(f"{provider}/") else f"{provider}/{full}" for full, provider in known_models().items()
    ]
    close = difflib.get_close_matches(name, models, n=3, cutoff=0.6)
    tail = name.rpartition("/")[2]
    close += [m for m in models if m.rpartition("/")[2] == tail and m not in close][: 3 - len(close)]
    return f" Did you mean {' or '.join(close)}?" if close else ""


def _prefixes() -> frozenset[str]:
    listed = frozenset(known_models().values())
    return listed | KEY_VARIABLES.keys() | _KEYLESS


@lru_cache(maxsize=1)
def known_models() -> Mapping[str, str]:
    """Names of chat models to their providers, as litellm ships them; empty when litellm is not installed."""
    found = importlib.util.find_spec("litellm")
    if found is None or found.origin is None:
        return {}
    path = Path(found.origin).parent / "model_prices_and_context_window_backup.json"
    try:
        listed = cast(dict[str, dict[str, object]], json.loads(path.read_bytes()))
    except (OSError, ValueError):
        return {}
    return {
        model: provider
        for model, fields in listed.items()
        if isinstance(provider := fields.get("litellm_provider"), str)
        and fields.get("mode") in ("chat", "responses")
        and " " not in provider
    }
