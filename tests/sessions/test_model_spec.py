from __future__ import annotations

from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend

from limi_sessions.agent.endpoint import NO_KEY, provider_facts, worker_environ
from limi_sessions.agent.keys import mask, without_secrets
from limi_sessions.agent.spec import ModelSpec, UnknownModel, parse_model, secret_values
from limi_sessions.agent.wire import MODEL_KEY


class MemoryKeyring(KeyringBackend):
    """A real keyring backend that keeps its secrets in memory."""

    priority = 1  # pyright: ignore[reportAssignmentType]

    def __init__(self, held: dict[tuple[str, str], str]) -> None:
        super().__init__()
        self.held = held

    def get_password(self, service: str, username: str) -> str | None:
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.held[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.held[service, username]


class BrokenKeyring(MemoryKeyring):
    def get_password(self, service: str, username: str) -> str | None:
        raise RuntimeError("no D-Bus here")


@pytest.fixture(autouse=True)
def own_keyring() -> object:
    before = keyring.get_keyring()
    mine = MemoryKeyring({})
    keyring.set_keyring(mine)
    yield mine
    keyring.set_keyring(before)


def test_the_demo_model_and_scripts_are_names_of_their_own(tmp_path: Path) -> None:
    assert parse_model("demo", environ={}).demo
    script = tmp_path / "s.yaml"
    script.write_text("[]")
    spec = parse_model(f"scripted:{script}", environ={})
    assert (spec.kind, spec.script, spec.demo) == ("scripted", script, False)
    with pytest.raises(UnknownModel, match="no script file"):
        parse_model(f"scripted:{tmp_path / 'absent.yaml'}", environ={})


def test_a_key_comes_from_the_environment_before_the_keyring(own_keyring: MemoryKeyring) -> None:
    own_keyring.held["limi", "ZAI_API_KEY"] = "from-the-keyring"
    spec = parse_model("zai/glm-4.5", environ={"ZAI_API_KEY": "from-the-environment"})
    assert (spec.litellm_name, spec.key_variable, spec.key_source) == ("zai/glm-4.5", "ZAI_API_KEY", "environment")
    assert (
        worker_environ(spec, {"ZAI_API_KEY": "from-the-environment"}, local_key="")[MODEL_KEY] == "from-the-environment"
    )
    spec = parse_model("zai/glm-4.5", environ={})
    assert spec.key_source == "keyring"
    assert worker_environ(spec, {}, local_key="")["ZAI_API_KEY"] == "from-the-keyring"
    assert secret_values({}, spec) == ("from-the-keyring",)
    assert "from-the-keyring" not in repr(spec) + repr(provider_facts(spec))


def test_a_missing_key_says_which_variable_and_which_keyring_entry() -> None:
    with pytest.raises(UnknownModel, match=r"set ANTHROPIC_API_KEY .* `keyring set limi ANTHROPIC_API_KEY`"):
        parse_model("anthropic/claude-sonnet-4-5", environ={})


def test_a_broken_keyring_is_no_keyring() -> None:
    keyring.set_keyring(BrokenKeyring({}))
    with pytest.raises(UnknownModel, match="needs a key"):
        parse_model("zai/glm-4.5", environ={})


def test_a_compatible_server_needs_no_key_and_gets_none_of_ours() -> None:
    spec = parse_model("openai/my-model", api_base="http://127.0.0.1:8000/v1", environ={})
    assert (spec.api_base, spec.key_variable) == ("http://127.0.0.1:8000/v1", None)
    assert worker_environ(spec, {}, local_key="")[MODEL_KEY] == NO_KEY
    spec = parse_model("openai/my-model", environ={"OPENAI_BASE_URL": "http://127.0.0.1:9/v1"})
    assert spec.api_base == "http://127.0.0.1:9/v1"
    assert parse_model("my-model", api_base="http://h/v1", environ={}).litellm_name == "openai/my-model"


def test_ollama_is_reached_through_its_v1_and_never_with_the_key_of_openai() -> None:
    environ = {"OPENAI_API_KEY": "sk-0123456789"}
    spec = parse_model("ollama/qwen3:8b", environ=environ)
    assert (spec.litellm_name, spec.api_base) == ("openai/qwen3:8b", "http://127.0.0.1:11434/v1")
    assert worker_environ(spec, environ, local_key="")[MODEL_KEY] == NO_KEY
    spec = parse_model("ollama/qwen3:8b", environ={"OLLAMA_HOST": "0.0.0.0:4000"})
    assert spec.api_base == "http://127.0.0.1:4000/v1"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("glm-4.5", "zai/glm-4.5"),
        ("zia/glm-4.5", "no provider is called 'zia'.*zai/glm-4.5"),
        ("nonsense", "no model is called 'nonsense'.*limi model list"),
        ("openai/", "no name after the provider"),
    ],
)
def test_an_unknown_model_says_what_to_do(name: str, words: str) -> None:
    with pytest.raises(UnknownModel, match=words):
        parse_model(name, environ={"OPENAI_API_KEY": "sk-0123456789"})


def test_an_api_base_that_is_no_url_is_refused() -> None:
    with pytest.raises(UnknownModel, match="no URL"):
        parse_model("openai/x", api_base="localhost:8000", environ={})


def test_credentials_in_a_url_are_not_told() -> None:
    spec = ModelSpec("openai/x", "litellm", "openai/x", api_base="https://me:hunter2secret@host/v1?key=abc")
    assert provider_facts(spec)["api_base"] == "https://host/v1"


def test_variables_named_like_secrets_are_masked_and_kept_from_children() -> None:
    environ = {
        "ZAI_API_KEY": "zai-0123456789",
        "GITHUB_TOKEN": "ghp_0123456789",
        "AWS_SECRET_ACCESS_KEY": "aws/0123456789",
        "DB_PASSWORD": "correct horse",
        "SHORT_KEY": "abc",
        "PATH": "/usr/bin",
        "KEYBOARD": "us-international",
        "SSH_AUTH_SOCK": "/tmp/agent.socket",
    }
    secrets = secret_values(environ, None)
    assert set(secrets) == {"zai-0123456789", "ghp_0123456789", "aws/0123456789", "correct horse"}
    assert without_secrets(environ).keys() == {"PATH", "KEYBOARD", "SSH_AUTH_SOCK"}
    assert mask("use ghp_0123456789 now", secrets) == "use [secret] now"


def test_loopback_goes_past_a_proxy() -> None:
    spec = parse_model("demo", environ={})
    child = worker_environ(spec, {"NO_PROXY": "corp", "HTTPS_PROXY": "http://proxy:1"}, local_key="k")
    assert child["NO_PROXY"] == "corp,127.0.0.1,localhost,::1"


def test_a_script_that_breaks_the_format_is_refused_before_anything_starts(tmp_path: Path) -> None:
    script = tmp_path / "s.yaml"
    script.write_text("turns:\n  - text: fine\n  - txt: typo\n")
    with pytest.raises(UnknownModel, match=r"turn 2: txt: unknown key"):
        parse_model(f"scripted:{script}", environ={})
