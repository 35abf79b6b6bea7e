"""What keeps the agent's commands from the rest of the machine, really tried, and the container engines."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from limi_sessions.paths import Home
from limi_sessions.sandbox.container import find_container
from limi_sessions.sandbox.finding import find_sandbox
from limi_sessions.sandbox.masked import default_masked
from limi_sessions.sandbox.policy import SandboxPolicy
from limi_sessions.sandbox.protocol import SandboxMissing
from limi_tui.verbs.doctor.finding import Finding

_INSTALL = "install bubblewrap (apt install bubblewrap, dnf install bubblewrap)"


def examine_sandbox(home: Home, environ: Mapping[str, str]) -> Finding:
    """The sandbox that `--sandbox auto` takes, in its own words: what it allows and what it cannot prevent.

    Args:
        home: limi's; hidden in the sandbox.
        environ: of the process.
    """
    found = find_sandbox("auto", environ=environ)
    if found.sandbox.name == "none":
        return Finding(
            "sandbox",
            "warning",
            f"{found.words}. The agent's commands run with your rights",
            f"{_INSTALL}; until then approve each call (mode ask), or work in a container",
        )
    person = Path.home().resolve()
    session = home.session("ID")
    policy = SandboxPolicy(
        workspace=Path("the workspace"),
        home=person,
        private_home=session.private_home,
        scratch=session.scratch,
        masked=default_masked(person, environ, home.root),
    )
    text = f"{found.words}. {' '.join(found.sandbox.words(policy))}"
    if found.sandbox.name == "bubblewrap":
        return Finding("sandbox", "ok", text)
    lacking = "; ".join(tried.why for tried in found.tried if not tried.works)
    return Finding("sandbox", "warning", f"{text} ({lacking})", f"{_INSTALL}: it confines more")


def examine_containers() -> Finding:
    """A container engine; only scoring and replay in an image want one."""
    try:
        engine = find_container()
    except SandboxMissing as error:
        return Finding("containers", "ok", f"none, and sessions need none: {error}")
    return Finding("containers", "ok", f"{engine.kind} {engine.version}")
