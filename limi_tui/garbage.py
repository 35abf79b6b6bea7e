"""When Python's cyclic garbage collector runs: not while the workstation starts, and not over what the start has made.

A full collection walks every object that is alive, and nothing is painted meanwhile: measured with 100,000 objects, 60
to 300 ms, three times a start and every other second under load. What lives once a session is open lives as long as
the session or the program, so it is set aside; what comes later is walked in a few milliseconds.

Source: https://docs.python.org/3/library/gc.html#gc.freeze
"""

from __future__ import annotations

import gc


def pause_collecting() -> None:
    """Collect nothing until `resume_collecting`."""
    gc.disable()


def resume_collecting() -> None:
    """Collect again, but nothing of what lives now."""
    gc.freeze()
    gc.enable()


def set_aside() -> None:
    """Take all that lives now out of later collections."""
    gc.freeze()


def let_go() -> None:
    """Let later collections look at everything again: much of what was set aside is not needed any more."""
    gc.unfreeze()
