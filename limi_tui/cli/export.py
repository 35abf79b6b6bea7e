"""``limi export``: sessions as training samples."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from limi_sessions.records.turn import MAIN
from limi_tui.cli.options import acting_as, json_output
from limi_tui.cli.output import counted, print_json, print_line, print_note, shown, size_text
from limi_tui.cli.store_access import opened_store

if TYPE_CHECKING:
    from limi_tui.verbs.export import Exported

_STDOUT = "-"


@click.command("export")
@click.option("--format", "format_", type=click.Choice(["limi", "trl", "preference"]), default="limi",
              show_default=True, help="limi: one JSON array; trl: JSON lines; preference: pairs for DPO.")  # fmt: skip
@click.option("--session", "sessions", multiple=True, metavar="ID|latest...", help="A session; may be repeated.")
@click.argument("more_sessions", nargs=-1, metavar="[ID]...")
@click.option("--all", "everything", is_flag=True, help="Every session that is not in the bin.")
@click.option("--output", "-o", metavar="FILE", required=True, help="Where to; - is standard output.")
@click.option("--arguments", type=click.Choice(["object", "string"]), default="object", show_default=True,
              help="Arguments of calls as objects, or as JSON texts.")  # fmt: skip
@click.option("--include-demo", is_flag=True, help="Keep what the demo model said.")
@click.option("--without-human", is_flag=True, help="Leave out the commands that people ran.")
@click.option("--whole", is_flag=True, help="With preference: all that followed a rewind, not the first answers.")
@json_output
@acting_as
@click.pass_context
def export(
    context: click.Context,
    format_: Literal["limi", "trl", "preference"],
    sessions: tuple[str, ...],
    more_sessions: tuple[str, ...],
    everything: bool,
    output: str,
    arguments: Literal["object", "string"],
    include_demo: bool,
    without_human: bool,
    whole: bool,
    as_json: bool,
) -> None:
    """Write sessions as training samples: {"messages": [...], "tools": [...]}, one a session.

    With --format preference a row is {"prompt", "chosen", "rejected", "tools"}: one for every call that you changed
    before it ran, and one for every rewind after which the agent answered the same request in another way.

    An older FILE is replaced as a whole. FILE.manifest.json beside it holds sha256, counts, and a report
    of all that was left out. The same sessions give the same bytes.
    """
    chosen = (*sessions, *more_sessions)
    if everything == bool(chosen):
        raise click.UsageError("say which sessions: --session ID (repeatable, or latest), or --all", context)
    if whole and format_ != "preference":
        raise click.UsageError("--whole belongs to --format preference", context)
    from limi_tui.verbs.export import ExportRequest, export_sessions

    request = ExportRequest(
        format=format_,
        path=output if output == _STDOUT else Path(output).expanduser(),
        session_ids=None if everything else chosen,
        arguments=arguments,
        include_demo=include_demo,
        include_human=not without_human,
        whole=whole,
    )
    with opened_store() as store:
        exported = export_sessions(store, request)
    _tell(exported, to_stdout=output == _STDOUT, as_json=as_json)


def _tell(exported: Exported, *, to_stdout: bool, as_json: bool) -> None:
    report = exported.report
    if as_json and not to_stdout:
        print_json(
            {
                **report.model_dump(mode="json", exclude={"manifest"}),
                "session_ids": list(exported.session_ids),
                "losses": [loss.model_dump(mode="json") for loss in exported.losses],
            }
        )
        return
    for loss in exported.losses:
        branch = "" if loss.branch in (None, MAIN) else f" of {loss.branch}"
        turn = "" if loss.turn_no is None else f", turn {loss.turn_no}{branch}"
        print_note(f"{loss.session_id}{turn}: {loss.what}")
    if any(loss.kind == "demo_session" for loss in exported.losses):
        print_note("--include-demo keeps the demo model's turns")
    if not to_stdout:
        amount = f"{counted(report.rows, 'row')}, {size_text(report.size_bytes)}"
        print_line(f"{amount} in {shown(report.path)}, sha256 {report.sha256}")
