"""What a mode says of a call, before anything remembered and before anybody is asked.

Knows nothing of tools and of people.
"""

from __future__ import annotations

from typing import Literal, assert_never

from limi_sessions.records.terms import ApprovalMode
from limi_sessions.tools.tool import Effect

Course = Literal["run", "ask", "refuse"]


def mode_says(mode: ApprovalMode, effect: Effect, *, demo: bool) -> Course:
    """What becomes of a call with this effect.

    Args:
        mode: the one in force now.
        effect: what the call may change.
        demo: the demo model proposed it: whatever it may change is asked about, unless the mode refuses it.
    """
    if effect == "none":
        return "run"
    match mode:
        case "plan":
            return "refuse"
        case "ask":
            return "ask"
        case "auto-edit":
            return "run" if effect == "files" and not demo else "ask"
        case "yolo":
            return "ask" if demo else "run"
        case _:
            assert_never(mode)
