"""Two branches of a session, or two sessions of which one was forked from the other, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from limi_sessions.branches import branches_of, path_of
from limi_sessions.checkpoints import CheckpointError, FileChange
from limi_sessions.checkpoints_at import checkpoint_at
from limi_sessions.paths import Home
from limi_sessions.records.event import Event
from limi_sessions.records.payload import SessionFinished
from limi_sessions.records.turn import Trajectory, Turn
from limi_sessions.tip_changes import Tip, tip_changes
from limi_store import SessionUnknown, StorePort


class NotComparable(RuntimeError):
    """The two have no beginning in common; the message says what can be compared."""


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of the two."""

    session_id: str
    branch: str
    turns: tuple[Turn, ...]
    """What follows the common beginning."""
    outcome: str
    """How it ended or stands, in words."""
    checkpoint: str | None
    """The state of the workspace at its end; None: none was kept."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What two paths have in common and what not."""

    common: tuple[Turn, ...]
    sides: tuple[Side, Side]
    changes: tuple[FileChange, ...] | None
    """What differs in the workspace from the first side's end to the second's; None: it is not known."""
    no_changes_why: str = ""
    """Why it is not known."""


@dataclass(frozen=True)
class _Path:
    trajectory: Trajectory
    branch: str
    turns: tuple[Turn, ...]
    stands: bool


def compare_branches(store: StorePort, home: Home, session_id: str, first: str, second: str | None) -> Comparison:
    """Two branches of a session; without a second one the branch where it stands.

    Raises:
        BranchUnknown: there is none of that name.
        StoreError: the session cannot be read.
    """
    trajectory = store.trajectory(session_id)
    paths = [_path(trajectory, name) for name in (first, second or branches_of(trajectory)[-1].name)]
    return _compare(store, home, paths[0], paths[1])


def compare_sessions(store: StorePort, home: Home, first: str, second: str) -> Comparison:
    """The paths on which two sessions stand.

    Raises:
        NotComparable: neither was forked from the other, nor both from a third.
        StoreError: one cannot be read.
    """
    if not _ancestry(store, first) & _ancestry(store, second):
        raise NotComparable(
            f"session {second} was not forked from {first}, nor the other way round. Compare a session with its fork "
            "(`limi session fork`), or two branches of one session"
        )
    trajectories = [store.trajectory(session_id) for session_id in (first, second)]
    paths = [_path(trajectory, branches_of(trajectory)[-1].name) for trajectory in trajectories]
    return _compare(store, home, paths[0], paths[1])


def _path(trajectory: Trajectory, branch: str) -> _Path:
    turns = path_of(branches_of(trajectory), branch)
    return _Path(trajectory, branch, turns, branch == branches_of(trajectory)[-1].name)


def _ancestry(store: StorePort, session_id: str | None) -> set[str]:
    known: set[str] = set()
    while session_id is not None and session_id not in known:
        known.add(session_id)
        try:
            session_id = store.summary(session_id).parent_session_id
        except SessionUnknown:
            break  # deleted for good; its id still relates its forks
    return known


def _compare(store: StorePort, home: Home, first: _Path, second: _Path) -> Comparison:
    common = 0
    # Copied turns keep their times, and no two turns of one path have the same.
    for one, other in zip(first.turns, second.turns, strict=False):
        if (one.ts, one.role, one.tool_call_id) != (other.ts, other.role, other.tool_call_id):
            break
        common += 1
    events = {
        path.trajectory.summary.session_id: store.events(path.trajectory.summary.session_id) for path in (first, second)
    }
    sides = [_side(path, events[path.trajectory.summary.session_id], common) for path in (first, second)]
    changes, why = _changes(home, sides)
    return Comparison(common=first.turns[:common], sides=(sides[0], sides[1]), changes=changes, no_changes_why=why)


def _side(path: _Path, events: Sequence[Event], common: int) -> Side:
    return Side(
        session_id=path.trajectory.summary.session_id,
        branch=path.branch,
        turns=path.turns[common:],
        outcome=_outcome(path, events),
        checkpoint=checkpoint_at(events, path.turns, len(path.turns) - 1) if path.turns else None,
    )


def _outcome(path: _Path, events: Sequence[Event]) -> str:
    status = path.trajectory.summary.status
    if path.stands and status not in ("running", "cut_off"):
        finished = next((e.payload for e in reversed(events) if isinstance(e.payload, SessionFinished)), None)
        outcome = "" if finished is None or finished.outcome == "unjudged" else f", judged a {finished.outcome}"
        return f"ended: {status}{outcome}"
    standing = {"running": "running", "cut_off": "cut off"}.get(status, status) if path.stands else "left"
    return f"{standing}: {_last_word(path.turns)}"


def _last_word(turns: Sequence[Turn]) -> str:
    if not turns:
        return "nothing was said"
    last = turns[-1]
    match last.role:
        case "assistant":
            whole = last.finish_reason in (None, "stop", "tool_calls")
            return "the agent had the last word" if whole else f"the agent's answer was cut off ({last.finish_reason})"
        case "tool":
            exit_text = "" if last.exit_code is None else f" with exit {last.exit_code}"
            return f"the last call ended {last.tool_status or 'somehow'}{exit_text}"
        case _:
            return "the agent had not answered"


def _changes(home: Home, sides: Sequence[Side]) -> tuple[tuple[FileChange, ...] | None, str]:
    tips: list[Tip] = []
    for side in sides:
        if side.checkpoint is None:
            return None, f"no state of the files was kept at the end of {side.branch} of session {side.session_id}"
        tips.append(Tip(home.session(side.session_id), side.checkpoint))
    try:
        return tip_changes(tips[0], tips[1], limi_home=home.root), ""
    except (CheckpointError, OSError) as error:
        return None, f"the kept states of the files cannot be compared: {error}"
