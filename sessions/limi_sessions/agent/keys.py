"""Where the keys of providers are found: environment variables and the keyring, in this order; never stored.

A key in the keyring lies under the service ``limi`` with the variable's name as its user:
``keyring set limi ZAI_API_KEY``. Source of the names: litellm 1.106.2, `utils.validate_environment`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal

KEYRING_SERVICE = "limi"
KeySource = Literal["environment", "keyring", "none"]

KEY_VARIABLES: dict[str, tuple[str, ...]] = {
    "openai": ("OPENAI_API_KEY",),
    "anthropic": ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"),
    "zai": ("ZAI_API_KEY",),
    "gemini": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    "deepseek": ("DEEPSEEK_API_KEY",),
    "openrouter": ("OPENROUTER_API_KEY", "OR_API_KEY"),
    "mistral": ("MISTRAL_API_KEY",),
    "groq": ("GROQ_API_KEY",),
    "xai": ("XAI_API_KEY",),
    "moonshot": ("MOONSHOT_API_KEY",),
    "dashscope": ("DASHSCOPE_API_KEY",),
    "minimax": ("MINIMAX_API_KEY",),
    "together_ai": ("TOGETHERAI_API_KEY", "TOGETHER_AI_API_KEY", "TOGETHER_API_KEY"),
    "fireworks_ai": ("FIREWORKS_AI_API_KEY", "FIREWORKS_API_KEY", "FIREWORKSAI_API_KEY"),
    "cerebras": ("CEREBRAS_API_KEY",),
    "cohere": ("COHERE_API_KEY", "CO_API_KEY"),
    "deepinfra": ("DEEPINFRA_API_KEY",),
    "novita": ("NOVITA_API_KEY",),
    "nebius": ("NEBIUS_API_KEY",),
    "nvidia_nim": ("NVIDIA_NIM_API_KEY",),
    "perplexity": ("PERPLEXITYAI_API_KEY", "PERPLEXITY_API_KEY"),
    "sambanova": ("SAMBANOVA_API_KEY",),
    "volcengine": ("VOLCENGINE_API_KEY", "ARK_API_KEY"),
    "tencent": ("TENCENT_API_KEY",),
    "huggingface": ("HUGGINGFACE_API_KEY", "HF_TOKEN"),
    "vercel_ai_gateway": ("VERCEL_AI_GATEWAY_API_KEY",),
    "azure": ("AZURE_API_KEY",),
    "azure_ai": ("AZURE_AI_API_KEY",),
}
"""Provider prefix to the variables that may hold its key, the usual one first. Others find theirs by themselves."""

_SECRET_NAME = re.compile(
    r"(^|_)(API_?KEY|KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|PAT)(_[A-Z0-9]{1,3})?$|SECRET_ACCESS_KEY|API_KEY"
)
_MIN_SECRET = 8
"""Shorter values would mask ordinary words."""


def keyring_value(variable: str) -> str | None:
    """The keyring's value for a variable; None when there is none, or no keyring on this machine."""
    try:
        import keyring

        return keyring.get_password(KEYRING_SERVICE, variable) or None
    except Exception:  # noqa: BLE001 - backends raise what they like: no keyring is the same as no key
        return None


def find_key(variables: Iterable[str], environ: Mapping[str, str]) -> tuple[str | None, KeySource]:
    """The first variable that has a value, and where; (None, ``none``) when none has."""
    names = tuple(variables)
    for name in names:
        if environ.get(name):
            return name, "environment"
    for name in names:
        if keyring_value(name):
            return name, "keyring"
    return None, "none"


def key_value(variable: str | None, environ: Mapping[str, str]) -> str | None:
    """The value of a key variable, from the environment or the keyring."""
    if variable is None:
        return None
    return environ.get(variable) or keyring_value(variable)


def secrets_in(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Values of variables that are named like secrets, the longest first."""
    values = {
        value
        for name, value in environ.items()
        if len(value) >= _MIN_SECRET and _SECRET_NAME.search(name.upper()) and not value.startswith(("/", "~"))
    }
    return tuple(sorted(values, key=lambda value: (-len(value), value)))


def without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for a child that needs no key."""
    return {name: value for name, value in environ.items() if not _SECRET_NAME.search(name.upper())}


def mask(text: str, secrets: Iterable[str]) -> str:
    """The text with every secret replaced."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "[secret]")
    return text
