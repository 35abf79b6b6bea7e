"""Preference pairs ``{"prompt": [...], "chosen": [...], "rejected": [...], "tools": [...]}``: TRL's layout for DPO.

Two acts of the expert say that one answer of the agent is better than another in the same context: a call that was
changed before it ran, and a rewind after which the agent went on in another way.

Source: TRL's conversational preference format with an explicit prompt, https://huggingface.co/docs/trl/dataset_formats.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from limi_dataset.exporters.result import ArgumentForm, ExportResult, Filters, Loss, PairKind, PairOrigin
from limi_dataset.exporters.sample import SampleForm, edits_of, in_order_of_start, with_calls
from limi_sessions.branches import branches_of, path_of
from limi_sessions.records.turn import MAIN, Branch, Trajectory, Turn
from limi_sessions.records.value import JsonObject


def preference_rows(
    trajectories: Iterable[Trajectory],
    *,
    arguments: ArgumentForm = "object",
    include_demo: bool = False,
    include_human: bool = True,
    whole: bool = False,
) -> ExportResult:
    """A row for every edited proposal and every rewind with two comparable sides, on all branches of all sessions.

    Rows stand in the order of their sessions' starts: within one first its edited proposals, then its rewinds.

    Args:
        trajectories: each with all its branches; one given twice counts once.
        arguments: of calls: parsed objects, or the JSON text as it was written.
        include_demo: keep what the demo model said.
        include_human: keep commands that the expert ran in the shared shell.
        whole: after a rewind, compare all that followed on both sides instead of the agent's first answers.
    """
    filters = Filters(arguments=arguments, include_demo=include_demo, include_human=include_human, whole=whole)
    rows: list[JsonObject] = []
    origins: list[PairOrigin] = []
    losses: list[Loss] = []
    for trajectory in in_order_of_start(trajectories):
        maker = _PairMaker(trajectory, filters)
        maker.make()
        rows += maker.rows
        origins += maker.origins
        losses += maker.form.losses
    return ExportResult(
        rows=tuple(rows),
        losses=tuple(losses),
        session_ids=tuple(origin.session_id for origin in origins),
        filters=filters,
        origins=tuple(origins),
    )


class _PairMaker:
    def __init__(self, trajectory: Trajectory, filters: Filters) -> None:
        self._stands = trajectory.turns
        self._branches = branches_of(trajectory)
        self._whole = bool(filters.whole)
        self._session_id = trajectory.summary.session_id
        self.form = SampleForm(trajectory, filters)
        self.rows: list[JsonObject] = []
        self.origins: list[PairOrigin] = []

    def make(self) -> None:
        """Fill `rows`, `origins` and the form's losses."""
        if not self.form.has_usable_agent([turn for branch in self._branches for turn in branch.turns]):
            return
        candidates = 0
        for branch in self._branches:
            path = path_of(self._branches, branch.name)
            for turn in branch.turns:
                candidates += self._edited_proposals(path, turn)
        for branch in self._branches[1:]:
            self._divergence(branch)
            candidates += 1
        if not candidates:
            what = "left out: no call was changed before it ran, and it was never rewound"
            self.form.lose("session_without_pair", None, what)
        self.form.lose_provider_fields()

    def _edited_proposals(self, path: Sequence[Turn], turn: Turn) -> int:
        """Add a pair for every call of an answer that was changed; how many there were."""
        edits = edits_of(turn, path[turn.turn_no + 1 :])
        changed = [call for call in turn.tool_calls if call.call_id in edits]
        for call in changed:
            if not self.form.is_allowed(turn):
                self.form.lose("demo_turn", turn, "left out: the demo model proposed the call that was changed")
                continue
            ran = with_calls(turn, edits)
            # Another call of the same answer that was changed, too, is the same on both sides.
            self._add("edited_call", path[: turn.turn_no], [ran], [with_calls(ran, {call.call_id: call})])
        return len(changed)

    def _divergence(self, branch: Branch) -> None:
        """Add the pair of a rewind, or say why there is none."""
        parent = path_of(self._branches, branch.parent or MAIN)
        path = path_of(self._branches, branch.name)
        begun = _common_requests(parent, path, branch.at_turn)
        left, gone_on = parent[begun:], path[begun:]
        why = self._why_not(left, gone_on, branch)
        if why:
            where = (left or gone_on or parent)[:1] or self._stands[:1]
            self.form.lose("not_comparable", where[0] if where else None, f"the rewind to {branch.name}: {why}")
            return
        stands = self._stands[begun:]
        back_to_left = stands[:1] == left[:1] != gone_on[:1]
        chosen, rejected = (left, gone_on) if back_to_left else (gone_on, left)
        if stands[:1] == chosen[:1]:
            chosen = stands
        self._add("divergence", path[:begun], self._side(chosen), self._side(rejected))

    def _why_not(self, left: Sequence[Turn], gone_on: Sequence[Turn], branch: Branch) -> str:
        if not left or not gone_on:
            return f"nothing followed on {branch.parent if not left else branch.name}"
        if left[0].role != "assistant" and gone_on[0].role != "assistant":
            return "the expert went on with another request, so the two sides answer different ones"
        if left[0].role != "assistant" or gone_on[0].role != "assistant":
            return "on one side the agent went on, on the other the expert"
        if not (self.form.is_allowed(left[0]) and self.form.is_allowed(gone_on[0])):
            return "one side is the demo model's"
        return ""

    def _side(self, turns: Sequence[Turn]) -> list[Turn]:
        if not self._whole:
            first = self.form.as_ran(turns)[0]
            self.form.note_cut_off(first)
            return [first]
        kept = self.form.kept(turns)
        while kept and kept[-1].role != "assistant":
            kept.pop()
        return kept

    def _add(self, kind: PairKind, context: Sequence[Turn], chosen: Sequence[Turn], rejected: Sequence[Turn]) -> None:
        first = next(iter((*chosen, *rejected, *context)), None)
        prompt = self.form.kept(context)
        better, worse = self.form.messages(chosen), self.form.messages(rejected)
        why = ""
        if not prompt or prompt[-1].role not in ("user", "tool"):
            why = "no request stands before it"
        elif not _says_something(chosen) or not _says_something(rejected):
            why = "on one side the agent said nothing"
        elif better == worse:
            why = "both sides are the same"
        if why or first is None:
            what = "the changed call" if kind == "edited_call" else "the rewind"
            self.form.lose("not_comparable", first, f"{what}: {why}")
            return
        self.rows.append(
            {
                "prompt": self.form.messages(prompt),
                "chosen": better,
                "rejected": worse,
                "tools": self.form.tools,
            }
        )
        self.origins.append(
            PairOrigin(kind=kind, session_id=self._session_id, branch=first.branch, turn_no=first.turn_no)
        )


def _common_requests(parent: Sequence[Turn], path: Sequence[Turn], at_turn: int) -> int:
    """How many turns both sides share: those before the rewind, and the same words of the expert after it."""
    common = at_turn
    for one, other in zip(parent[at_turn:], path[at_turn:], strict=False):
        if (one.role, one.source, one.content) != (other.role, other.source, other.content) or one.role != "user":
            break
        common += 1
    return common


def _says_something(side: Sequence[Turn]) -> bool:
    return bool(side) and side[0].role == "assistant" and bool(side[0].content or side[0].tool_calls)
