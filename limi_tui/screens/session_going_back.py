"""The slash commands that undo, rewind and branch, over the live session."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast, get_args

from limi_sessions.forking import CannotFork, ForkRequest, fork_session
from limi_sessions.live import LiveSession
from limi_sessions.live_workspace import CannotRestore
from limi_sessions.records.identity import uuid7
from limi_sessions.records.turn import Branch
from limi_sessions.rewinding import CannotRewind, Parts, RewindOutcome, RewindPoint
from limi_tui.screens.command_failed import CommandFailed
from limi_tui.screens.compare import CompareScreen
from limi_tui.screens.rewind import RewindScreen
from limi_tui.verbs.comparison import Comparison, compare_branches

if TYPE_CHECKING:
    from limi_tui.screens.session import SessionScreen

_MOST_PATCH = 200_000
"""Characters of the difference of two branches' files that are shown."""
_REWIND = "/rewind TURN [both | conversation | files]; without a number it shows the turns"


async def undo(screen: SessionScreen, live: LiveSession, argument: str) -> None:
    """Bring the workspace back to the state before the last change."""
    await _restored(screen, live, "undo")


async def redo(screen: SessionScreen, live: LiveSession, argument: str) -> None:
    """Bring back what was undone last."""
    await _restored(screen, live, "redo")


async def _restored(screen: SessionScreen, live: LiveSession, way: str) -> None:
    if live.is_working:
        raise CommandFailed(f"/{way} waits until the agent has stopped: press Escape, then /{way}")
    try:
        restored = await (live.workspace.undo() if way == "undo" else live.workspace.redo())
    except CannotRestore as error:
        raise CommandFailed(str(error)) from error
    screen.notify(_files_words(restored.changed, restored.problems))


def _files_words(changed: int, problems: Sequence[str]) -> str:
    if not changed:
        return "No file differed."
    files = "1 file" if changed == 1 else f"{changed} files"
    return f"{files} brought back." if not problems else f"{files} differed, {len(problems)} could not be brought back."


async def rewind(screen: SessionScreen, live: LiveSession, argument: str) -> None:
    """Go back to a turn, or show all of them."""
    words = argument.split()
    if not words:
        screen.action_rewind()
        return
    parts = words[1] if len(words) > 1 else "both"
    if len(words) > 2 or not words[0].isdigit() or parts not in get_args(Parts):
        raise CommandFailed(_REWIND)
    await go_back(screen, live, RewindPoint(int(words[0])), cast(Parts, parts))


async def retry(screen: SessionScreen, live: LiveSession, argument: str) -> None:
    """Have a turn of the agent done again: its last one, or a numbered one."""
    path = live.conversation.turns
    if argument and not argument.isdigit():
        raise CommandFailed("/retry [TURN]: a turn of the agent; its last one when no number is given")
    agents = [turn.turn_no for turn in path if turn.source == "agent"]
    number = int(argument) if argument else max(agents, default=0)
    if number not in agents or number == 0:
        raise CommandFailed(f"there is no turn {number} of the agent; /rewind shows the turns")
    await go_back(screen, live, RewindPoint(number - 1), "both", retry=True)


async def branches(screen: SessionScreen, live: LiveSession, argument: str) -> None:
    """List the branches, or go on with the end of one."""
    line = live.conversation.line
    known = {branch.name: branch for branch in line.branches}
    if argument:
        if argument not in known:
            raise CommandFailed(f"there is no branch {argument}; there are: {', '.join(known)}")
        if argument == line.branch:
            raise CommandFailed(f"{argument} is where the conversation stands")
        last = known[argument].at_turn + len(known[argument].turns) - 1
        await go_back(screen, live, RewindPoint(last, argument), "both")
        return
    rows = [f"{'›' if name == line.branch else ' '} {_branch_words(branch)}" for name, branch in known.items()]
    screen.notice("note", "\n".join([*rows, "/branch NAME goes on with the end of one"]))


async def compare(screen: SessionScreen, live: LiveSession, argument: str) -> None:
    """Show two branches side by side: the one where the conversation stands, and another."""
    words = argument.split()
    known = [branch.name for branch in live.conversation.line.branches]
    if len(words) > 2 or any(word not in known for word in words):
        raise CommandFailed(f"/compare [BRANCH [BRANCH]]; there are: {', '.join(known)}")
    if len(known) == 1:
        raise CommandFailed("there is one branch only: /retry or /rewind begins another")
    current = live.conversation.line.branch
    first = words[0] if words else next(name for name in reversed(known) if name != current)
    second = words[1] if len(words) > 1 else current
    comparison, patch = await asyncio.to_thread(_compared, screen, live, first, second)
    screen.limi.push_screen(CompareScreen(comparison, patch=patch))


def _compared(screen: SessionScreen, live: LiveSession, first: str, second: str) -> tuple[Comparison, str]:
    store = screen.limi.store_gate.store()
    store.catch_up(live.plan.session_id)
    comparison = compare_branches(store, screen.request.home, live.plan.session_id, first, second)
    ends = [side.checkpoint for side in comparison.sides]
    if not comparison.changes or ends[0] is None or ends[1] is None:
        return comparison, ""
    return comparison, live.workspace.checkpoints.patch(ends[0], ends[1], most_chars=_MOST_PATCH)


async def fork(screen: SessionScreen, live: LiveSession, argument: str) -> None:
    """Make a new session of this one up to a turn, to be opened later."""
    if argument and not argument.isdigit():
        raise CommandFailed("/fork [TURN]: a new session of the turns up to that one; all of them without a number")
    session_id = uuid7()
    home = screen.request.home
    request = ForkRequest(
        source=live.plan.paths,
        target=home.session(session_id),
        parent_session_id=live.plan.session_id,
        session_id=session_id,
        actor=live.plan.actor,
        limi_home=home.root,
        turn_no=int(argument) if argument else None,
    )
    try:
        made = await asyncio.to_thread(fork_session, request)
    except CannotFork as error:
        raise CommandFailed(str(error)) from error
    await asyncio.to_thread(lambda: screen.limi.store_gate.store().catch_up(session_id))
    screen.notice(
        "note", f"forked with {made.turns} turns: `limi session resume {session_id}`, or F5 after this session"
    )


def _branch_words(branch: Branch) -> str:
    start = f", left {branch.parent} after turn {branch.at_turn - 1}" if branch.parent else ""
    if not branch.turns:
        return f"{branch.name}: no turns yet{start}"
    return f"{branch.name}: turns {branch.turns[0].turn_no} to {branch.turns[-1].turn_no}{start}"


async def go_back(
    screen: SessionScreen, live: LiveSession, point: RewindPoint, parts: Parts, *, retry: bool = False
) -> None:
    """Rewind, and say what came of it.

    Raises:
        CommandFailed: it cannot be done.
    """
    try:
        outcome = await live.rewind(point, parts=parts, retry=retry)
    except (CannotRewind, CannotRestore) as error:
        raise CommandFailed(str(error)) from error
    screen.notify(_outcome_words(outcome))
    if retry and outcome.branch is not None:
        screen.life.work_again()


def _outcome_words(outcome: RewindOutcome) -> str:
    words: list[str] = []
    if outcome.branch is not None:
        words.append(f"Branch {outcome.branch} begins here.")
    if outcome.changed_files is not None:
        words.append(_files_words(outcome.changed_files, outcome.problems))
    return " ".join(words)


def rewind_screen(live: LiveSession) -> RewindScreen:
    """The screen that shows where to go back to."""
    line = live.conversation.line
    return RewindScreen(line.branches, current=line.branch, changing_calls=live.workspace.history.changing_calls)
