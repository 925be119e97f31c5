"""A migration's file that was changed after it was applied: what is pending waits, and every place says so alike."""

import sqlite3
from contextlib import closing

from tests.e2e.program import Program


def changed_and_pending(program: Program) -> int:
    """Leave a database whose first migration has another file now, and whose last has not run; returns the total."""
    total: int = program.status()["migrations"]["total"]
    with closing(sqlite3.connect(program.folder / "cts.db")) as database, database:
        database.execute("UPDATE migrations SET checksum = 'other' WHERE number = (SELECT MIN(number) FROM migrations)")
        database.execute("DROP TABLE vault_keys")
        database.execute("DELETE FROM migrations WHERE number = (SELECT MAX(number) FROM migrations)")
    return total


def test_apply_says_what_holds_the_pending_ones_back(program: Program) -> None:
    changed_and_pending(program)
    refused = program.run("migrations", "apply", "--json", code=1)
    assert refused.problem["category"] == "MIGRATION"
    assert "1 migration not applied" in refused.problem["text"]
    assert "was changed" in refused.problem["text"]


def test_rehearsing_says_that_applying_would_not_run_it(program: Program) -> None:
    changed_and_pending(program)
    assert "1 migration not applied" in program.run("migrations", "rehearse").out


def test_the_start_and_the_status_count_alike(program: Program) -> None:
    total = changed_and_pending(program)
    status = program.status(code=None)
    step = next(step for step in status["startup"] if step["step"] == "migrations")
    assert (status["migrations"]["applied"], step["detail"]) == (total - 1, f"{total - 1} of {total} applied")
