"""The host terminal as something that may go away: a closed window or a lost connection must not leave us hanging.

Textual draws through a thread of its own with a bounded queue. When a write fails there, the thread ends unseen and the
event loop blocks as soon as the queue is full. So the stream that Textual takes swallows what cannot be written any
more and says so once.

Source: Textual 8.2.8, `drivers/_writer_thread.py` and `drivers/linux_driver.py` (which draws on ``sys.__stderr__``).
"""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Callable
from typing import TextIO


class HostTerminal(io.TextIOBase):
    """A text stream over the terminal that goes on when the terminal is gone."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._gone = False

    def write(self, text: str) -> int:
        """Write, or drop the text when nobody can read it any more."""
        self._attempt(lambda: self._stream.write(text))
        return len(text)

    def flush(self) -> None:
        """Flush, if there is still a terminal."""
        self._attempt(self._stream.flush)

    def fileno(self) -> int:
        """The terminal's descriptor."""
        return self._stream.fileno()

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self._stream.isatty()

    def _attempt(self, action: Callable[[], object]) -> None:
        if self._gone:
            return
        try:
            action()
        except OSError:
            self._gone = True
            # Whoever took the terminal away may not have told us: the session is to end as after a hang-up.
            os.kill(os.getpid(), signal.SIGHUP)


def outlive_host_terminal() -> None:
    """Have Textual draw on a stream that survives its terminal; call once before the app runs."""
    if sys.__stderr__ is not None and not isinstance(sys.__stderr__, HostTerminal):
        sys.__stderr__ = HostTerminal(sys.__stderr__)  # pyright: ignore[reportAttributeAccessIssue]  # Final for readers
