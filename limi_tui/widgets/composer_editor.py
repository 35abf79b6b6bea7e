"""A text in the expert's own editor, the workstation suspended while it runs and its event loop not."""

from __future__ import annotations

import asyncio
import os
import shlex
import tempfile
from pathlib import Path

from textual.app import App, SuspendNotSupported


class EditorUnusable(Exception):
    """The editor could not be run; the message says what to do."""


async def edited(app: App[object], text: str) -> str:
    """The text after the editor was left.

    Raises:
        EditorUnusable: there is no editor, it failed, or this terminal cannot be handed over.
    """
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    with tempfile.TemporaryDirectory(prefix="limi-") as directory:
        path = Path(directory) / "message.md"
        path.write_text(text, encoding="utf-8")
        try:
            # Without the batch, whatever happens meanwhile would be painted over the editor.
            with app.batch_update(), app.suspend():
                process = await asyncio.create_subprocess_exec(*shlex.split(command), str(path))
                status = await process.wait()
        except (OSError, ValueError) as error:
            raise EditorUnusable(f"cannot start the editor {command!r}: {error}. Set VISUAL or EDITOR.") from error
        except SuspendNotSupported as error:
            raise EditorUnusable("this terminal cannot be handed to an editor; type here instead.") from error
        if status:
            raise EditorUnusable(f"the editor {command!r} ended with status {status}; the text is as it was.")
        return path.read_text(encoding="utf-8", errors="replace").rstrip("\n")
