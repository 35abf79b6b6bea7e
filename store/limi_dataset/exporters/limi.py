"""Sessions as rows ``{"messages": [...], "tools": [...]}``: the LIMI release's shape, which TRL takes as it is.

Source: the published ``limi.json`` (arguments of calls are objects) and TRL's conversational format with tools,
https://huggingface.co/docs/trl/dataset_formats. Unlike the release, the final answer of the assistant is there,
reasoning is kept as ``reasoning_content``, and commands that the expert ran stay as user messages. Only the path where
a session stands is a sample; what was left by a rewind is not.
"""

from __future__ import annotations

from collections.abc import Iterable

from limi_dataset.exporters.result import ArgumentForm, ExportResult, Filters, Loss
from limi_dataset.exporters.sample import SampleForm, in_order_of_start
from limi_sessions.records.turn import Trajectory
from limi_sessions.records.value import JsonObject


def limi_rows(
    trajectories: Iterable[Trajectory],
    *,
    arguments: ArgumentForm = "object",
    include_demo: bool = False,
    include_human: bool = True,
) -> ExportResult:
    """One row a session, in the order in which the sessions started.

    Args:
        trajectories: each with all its turns; one given twice counts once.
        arguments: of calls: parsed objects, or the JSON text exactly as the model wrote it.
        include_demo: keep what the demo model said.
        include_human: keep commands that the expert ran in the shared shell.
    """
    filters = Filters(arguments=arguments, include_demo=include_demo, include_human=include_human)
    rows: list[JsonObject] = []
    session_ids: list[str] = []
    losses: list[Loss] = []
    for trajectory in in_order_of_start(trajectories):
        form = SampleForm(trajectory, filters)
        row = _row(trajectory, form)
        losses += form.losses
        if row is not None:
            rows.append(row)
            session_ids.append(trajectory.summary.session_id)
    return ExportResult(rows=tuple(rows), losses=tuple(losses), session_ids=tuple(session_ids), filters=filters)


def _row(trajectory: Trajectory, form: SampleForm) -> JsonObject | None:
    if not form.has_usable_agent(trajectory.turns):
        return None
    kept = form.kept(trajectory.turns)
    if not any(turn.source == "agent" for turn in kept):
        form.lose("session_without_agent", None, "left out: nothing that the agent said can be kept")
        return None
    row: JsonObject = {"messages": form.messages(kept), "tools": form.tools}
    form.lose_provider_fields()
    return row
