"""A limi home in a temporary directory and the real program run on it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

from limi_sessions.journal import Journal
from limi_sessions.paths import Home
from limi_sessions.records.identity import uuid7
from limi_sessions.records.message import Completion, Message, Sampling, TokenCount, ToolCall, ToolSchema
from limi_sessions.records.payload import (
    ModelMessage,
    ModelRequest,
    Payload,
    SessionFinished,
    SessionStarted,
    ToolDecided,
    ToolFinished,
    ToolProposed,
    UserMessage,
)
from limi_tui.cli.main import main

SHELL_TOOL = ToolSchema(
    name="run_shell_command",
    description="Run a command in the shared shell.",
    parameters={
        "type": "object",
        "properties": {"command": {"type": "string"}},
        "required": ["command"],
        "additionalProperties": False,
    },
)
HOSTILE = "\x1b]52;c;aGVsbG8=\x07\x1b]0;owned\x07\x9b31m\u202egnp.exe\u200b"
"""Writes the clipboard, sets the title, opens a C1 sequence, turns the text around."""


@dataclass
class Ran:
    """A finished run of the program."""

    code: int
    out: str
    err: str

    def json(self) -> object:
        return json.loads(self.out)


@dataclass
class House:
    """A home, and the program with it."""

    root: Path
    environ: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def home(self) -> Home:
        return Home(self.root)

    def limi(self, *arguments: str, stdin: str | None = None, **environ: str) -> Ran:
        """Run the program as a person's shell does."""
        done = subprocess.run(
            [sys.executable, "-P", "-m", "limi_tui", *arguments],
            input=None if stdin is None else stdin.encode(),
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            env=self.environment(**environ),
            timeout=60,
            check=False,
        )
        return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())

    def call(self, *arguments: str, **environ: str) -> Ran:
        """Run the same command line in this process: a third of a second faster."""
        out, err = io.BytesIO(), io.BytesIO()
        with (
            mock.patch.dict(os.environ, self.environment(**environ), clear=True),
            mock.patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(), "utf-8")),
            mock.patch.object(sys, "stdout", io.TextIOWrapper(out, "utf-8", write_through=True)),
            mock.patch.object(sys, "stderr", io.TextIOWrapper(err, "utf-8", write_through=True)),
        ):
            code = main(arguments)
            return Ran(code, out.getvalue().decode(), err.getvalue().decode())

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LIMI_")}
        kept.pop("OPENAI_BASE_URL", None)
        return {
            **kept,
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            "LIMI_HOME": str(self.root),
            **self.environ,
            **more,
        }

    def record(self, payloads: Sequence[tuple[Payload, str]], *, session_id: str | None = None) -> str:
        """A session whose journal holds these payloads."""
        session_id = session_id or uuid7()
        journal = Journal(self.home.session(session_id).journal, session_id)
        journal.append_all(payloads)
        journal.close()
        return session_id

    def record_session(
        self,
        *,
        query: str = "list the files",
        answer: str = "There is one file.",
        output: str = "a.txt",
        demo: bool = False,
        finished: bool = True,
    ) -> str:
        """A session with one tool call, its result and a final answer."""
        return self.record(session_payloads(query=query, answer=answer, output=output, demo=demo, finished=finished))


def session_payloads(
    *, query: str, answer: str, output: str = "a.txt", demo: bool = False, finished: bool = True
) -> list[tuple[Payload, str]]:
    """The payloads of a session with one tool call."""
    model = "demo" if demo else "scripted:turns.yaml"
    call = ToolCall(call_id="call_1", name="run_shell_command", arguments='{"command": "ls"}')
    result = f"{output}\n[status=done exit=0 cwd=/w dur=0.1s truncated=0 by=agent]"
    asked = [Message(role="system", content="You work in a shell."), Message(role="user", content=query)]
    proposal = Message(role="assistant", tool_calls=(call,))
    answered = Message(role="tool", content=result, tool_call_id="call_1")
    entries: list[tuple[Payload, str]] = [
        (
            SessionStarted(
                limi_version="0.1.0",
                query=query,
                workspace="/w",
                model=model,
                demo=demo,
                system_prompt="You work in a shell.",
                tools=(SHELL_TOOL,),
                tool_set_sha256="0" * 64,
            ),
            "ada",
        ),
        (UserMessage(content=query), "ada"),
        (
            ModelRequest(request_id="r1", model=model, messages=tuple(asked), tools=(SHELL_TOOL,), sampling=Sampling()),
            "agent",
        ),
        (
            ModelMessage(
                request_id="r1",
                completion=Completion(
                    tool_calls=(call,),
                    finish_reason="tool_calls",
                    usage=TokenCount(prompt=40, completion=9, method="exact"),
                ),
                demo=demo,
            ),
            "agent",
        ),
        (ToolProposed(request_id="r1", call=call), "agent"),
        (ToolDecided(call_id="call_1", decision="accept", by="human"), "ada"),
        (
            ToolFinished(
                call_id="call_1", name="run_shell_command", status="done", result=result, exit_code=0, cwd="/w"
            ),
            "agent",
        ),
        (
            ModelRequest(
                request_id="r2", model=model, prefix=2, messages=(proposal, answered), tools=None, sampling=Sampling()
            ),
            "agent",
        ),
        (
            ModelMessage(
                request_id="r2",
                completion=Completion(
                    content=answer, finish_reason="stop", usage=TokenCount(prompt=80, completion=7, method="exact")
                ),
                demo=demo,
            ),
            "agent",
        ),
    ]
    return [*entries, (SessionFinished(status="done"), "system")] if finished else entries
