"""The plan: every state from plain values, with a sentence and one safe action each."""

from pathlib import Path

from models import VERSION
from models.status import MigrationState
from storage.migrator.files import Migration, find_migrations
from storage.migrator.plan import NEWEST, Failure, LedgerRow, Plan, plan
from tests.databases import MIGRATIONS

STAMP = "2026-01-31T09:30:00.000Z"


def file(number: int, name: str = "", checksum: str = "same") -> Migration:
    return Migration(number, name or f"m{number}", Path(f"{number:03}.sql"), "SELECT 1", checksum, "sqlite")


def row(number: int, checksum: str = "same", version: str = VERSION, state: str = "applied") -> LedgerRow:
    return LedgerRow(number, f"m{number}", checksum, STAMP, 4, version, state)


def failure(number: int) -> Failure:
    return Failure(number, "same", f"{number:03}_m.sql", 12, "CREATE TABLE x", "near x: syntax error", STAMP)


def states(found: Plan) -> dict[int, str]:
    return {item.number: item.state.value for item in found.items}


def numbers(migrations: tuple[Migration, ...]) -> list[int]:
    return [migration.number for migration in migrations]


def test_a_new_database_runs_everything() -> None:
    found = plan([file(1), file(36)], [], [], NEWEST)
    assert states(found) == {1: "pending", 36: "pending"}
    assert numbers(found.to_run) == [1, 36]


def test_what_is_applied_or_adopted_does_not_run() -> None:
    found = plan([file(1), file(2)], [row(1), row(2, state="baseline")], [], NEWEST)
    assert states(found) == {1: "applied", 2: "baseline"}
    assert found.up_to_date
    assert found.items[0].applied_at == STAMP
    assert found.items[0].milliseconds == 4


def test_a_changed_file_stops_what_is_new_and_says_so() -> None:
    found = plan([file(1, checksum="other"), file(2)], [row(1)], [], NEWEST)
    assert states(found) == {1: "changed", 2: "pending"}
    assert not found.to_run
    assert "Repair" in found.items[0].action
    assert "was changed" in found.items[1].sentence


def test_a_renamed_file_counts_as_changed() -> None:
    found = plan([file(1, name="other")], [row(1)], [], NEWEST)
    assert states(found) == {1: "changed"}
    assert "renamed" in found.items[0].sentence


def test_a_file_that_is_gone_is_missing_and_stops_nothing() -> None:
    found = plan([file(2), file(3)], [row(1), row(2)], [], NEWEST)
    assert states(found) == {1: "missing", 2: "applied", 3: "pending"}
    assert numbers(found.to_run) == [3]


def test_a_lower_number_waits_for_a_person() -> None:
    found = plan([file(1), file(2), file(3), file(4)], [row(1), row(3)], [], NEWEST)
    assert states(found) == {1: "applied", 2: "out of order", 3: "applied", 4: "pending"}
    assert numbers(found.to_run) == [4]
    assert numbers(found.held) == [2]


def test_a_higher_number_than_known_is_the_future_and_nothing_runs() -> None:
    found = plan([file(1), file(2)], [row(1), row(NEWEST + 1, version="0.3.0")], [], NEWEST)
    assert found.future
    assert states(found) == {1: "applied", 2: "out of order", NEWEST + 1: "future"}
    assert not found.to_run
    assert "version 0.3.0" in found.items[-1].sentence
    assert "Update" in found.items[-1].action


def test_a_row_of_a_newer_version_without_a_file_is_the_future_too() -> None:
    assert plan([file(2)], [row(1, version="99.0.0"), row(2)], [], NEWEST).future


def test_a_failed_one_says_where_and_is_tried_again() -> None:
    found = plan([file(1), file(2), file(3)], [row(1)], [failure(2)], NEWEST)
    assert states(found) == {1: "applied", 2: "failed", 3: "pending"}
    assert numbers(found.to_run) == [2, 3]
    item = found.items[1]
    assert item.problem is not None
    assert "002_m.sql, line 12: near x: syntax error" in item.problem.text
    assert "CREATE TABLE x" in item.problem.detail
    assert "002" in found.items[2].sentence


def test_a_failure_of_what_is_applied_by_now_is_history() -> None:
    assert states(plan([file(1)], [row(1)], [failure(1)], NEWEST)) == {1: "applied"}


def test_every_state_has_a_sentence_and_what_a_person_can_act_on_an_action() -> None:
    files = [file(1, checksum="other"), file(2), file(4), file(5), file(6), file(7)]
    ledger = [row(1), row(3), row(5), row(6, state="baseline"), row(NEWEST + 1)]
    items = plan(files, ledger, [failure(4)], NEWEST).items + plan([file(1)], [], [], NEWEST).items
    assert {item.state for item in items} == set(MigrationState)
    for item in items:
        assert item.sentence.endswith(".")
        done = item.state in {MigrationState.APPLIED, MigrationState.BASELINE}
        assert item.action.endswith(".") != done


def test_the_newest_number_that_the_program_knows_is_that_of_its_newest_file() -> None:
    assert max(file.number for file in find_migrations(MIGRATIONS, "sqlite")) == NEWEST
