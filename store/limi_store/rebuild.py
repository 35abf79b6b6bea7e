"""A new database from the journals, made beside the old one and then put in its place. Runs on the writer's thread."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator
from typing import TYPE_CHECKING, cast

from limi_store.database import ADVICE, Database, DatabaseDamaged, first_line
from limi_store.errors import StoreDegraded
from limi_store.journals import journal_sizes
from limi_store.keeper import Keeper
from limi_store.port import RebuildReport
from limi_store.projector import Projector

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def rebuild(keeper: Keeper) -> RebuildReport:
    """Make the database anew; the old one serves readers until the new one is complete.

    Raises:
        StoreDegraded: the new one cannot be written; the old one stays.
    """
    started = time.perf_counter()
    place = keeper.home.root / "limi.duckdb.rebuild"
    fresh = Database(place, keeper.home.quarantine)
    _remove(fresh)
    projector = Projector(keeper.home, fresh, None)
    try:
        with _failures_named():
            fresh.open()
            events = projector.project(journal_sizes(keeper.home))
            with fresh.cursor() as cursor:
                sessions, turns = _counts(cursor)
            fresh.close()
            keeper.database.replace_with(place)
    finally:
        fresh.close()
        _remove(fresh)
    keeper.replaced()
    keeper.search.clear()
    keeper.index_missing()
    problems = tuple(problem for found in projector.problems.values() for problem in found)
    return RebuildReport(
        sessions=sessions, events=events, turns=turns, seconds=time.perf_counter() - started, problems=problems
    )


@contextlib.contextmanager
def _failures_named() -> Generator[None]:
    import duckdb

    try:
        yield
    except (duckdb.Error, OSError, DatabaseDamaged) as error:
        raise StoreDegraded(f"cannot rebuild the database: {first_line(error)}. {ADVICE}") from error


def _remove(database: Database) -> None:
    for path in (database.path, database.wal):
        path.unlink(missing_ok=True)


def _counts(cursor: DuckDBPyConnection) -> tuple[int, int]:
    rows = cursor.execute("SELECT (SELECT count(*) FROM trajectory), (SELECT count(*) FROM turn)").fetchall()
    return cast("list[tuple[int, int]]", rows)[0]
