"""The migration table and what can be done with it now."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester, QSignalSpy

from gui.database.actions import reasons, shared_reasons, summary
from gui.database.migrations_model import ITEM_ROLE, MARK_ROLE, MARKS, Column, MigrationsModel
from models.problem import Category, Problem
from models.status import Backend, MigrationItem, MigrationState, StoreState, StoreStatus

ONLINE = StoreStatus(Backend.SQLITE, StoreState.ONLINE, "/data/cts.db")
HELD = Problem(Category.IN_USE, "Another program uses it.", "Close it.")
NOTHING = "Nothing is pending: every migration is applied."


def item(number: int, state: MigrationState = MigrationState.APPLIED) -> MigrationItem:
    return MigrationItem(number, f"step_{number}", state, "2026-11-22T10:00:00+00:00", 12)


def test_every_state_has_a_mark_and_its_word() -> None:
    model = MigrationsModel()
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    model.set_items([item(n, state) for n, state in enumerate(MigrationState)])
    for row, state in enumerate(MigrationState):
        assert model.index(row, Column.STATE).data() == state.value
        assert model.index(row, Column.STATE).data(MARK_ROLE) == MARKS[state]
        assert model.index(row, Column.NAME).data(MARK_ROLE) is None
        assert model.index(row, Column.STATE).data(Qt.ItemDataRole.AccessibleTextRole) == state.value
        assert model.index(row, Column.NAME).data(ITEM_ROLE).state is state
    assert model.index(0, Column.NUMBER).data() == "000"
    assert model.index(0, Column.TOOK).data() == "12 ms"
    assert tester is not None


def test_a_refresh_with_the_same_numbers_changes_rows_in_place() -> None:
    model = MigrationsModel()
    model.set_items([item(1), item(36, MigrationState.PENDING)])
    resets, changes = QSignalSpy(model.modelReset), QSignalSpy(model.dataChanged)
    model.set_items([item(1), item(36)])
    assert (resets.count(), changes.count()) == (0, 1)
    assert model.row_of(36) == 1
    assert model.row_of(99) == -1
    model.set_items([item(1)])
    assert resets.count() == 1


def test_reasons_while_opening_away_and_busy_stop_everything() -> None:
    away = ONLINE._replace(state=StoreState.FALLBACK)
    for why in (reasons(None, []), reasons(away, [item(1)]), reasons(ONLINE, [], busy="A backup is being made.")):
        assert all(why)
        assert len(set(why)) == 1
    assert shared_reasons(reasons(None, [])) == "The store is still opening."


def test_reasons_follow_the_states() -> None:
    assert reasons(ONLINE, [item(1)]) == (
        NOTHING,
        NOTHING,
        "Nothing to repair: ledger and files agree.",
        NOTHING,
        "",
        "",
        "",
    )
    assert (
        reasons(ONLINE, [item(1), item(99, MigrationState.FUTURE)]).apply
        == "A newer program has changed this database."
    )
    assert not any(reasons(ONLINE, [item(1, MigrationState.MISSING), item(2, MigrationState.PENDING)]))
    edited = reasons(ONLINE, [item(1, MigrationState.CHANGED), item(2, MigrationState.PENDING)])
    assert edited.apply == edited.rehearse == shared_reasons(edited)
    assert (edited.repair, edited.baseline) == ("", "")
    blocked = reasons(ONLINE._replace(state=StoreState.READ_ONLY, problem=HELD), [item(1, MigrationState.PENDING)])
    # What is wrong stands on the card already: it is not said again at every button.
    above = "The database is read-only now; the card above says why."
    assert blocked == (above, "", above, above, "", above, above)
    assert shared_reasons(blocked) == above
    failed = ONLINE._replace(state=StoreState.READ_ONLY, problem=HELD._replace(category=Category.MIGRATION))
    assert reasons(failed, [item(1, MigrationState.FAILED)]).apply == ""
    emptied = ONLINE._replace(state=StoreState.READ_ONLY, problem=HELD._replace(category=Category.EMPTY_DB))
    assert (reasons(emptied, []).restore, reasons(emptied, []).backup) == (
        "",
        "There is no database to back up; the card above says why.",
    )
    postgres = reasons(ONLINE._replace(backend=Backend.POSTGRESQL), [item(1)])
    assert postgres.backup == ""


def test_the_summary_counts_every_state_that_is_there() -> None:
    assert summary([]) == ""
    assert summary([item(1), item(2)]) == "2 of 2 applied"
    states = [MigrationState.APPLIED, MigrationState.CHANGED, MigrationState.PENDING, MigrationState.PENDING]
    items = [item(n, state) for n, state in enumerate(states)]
    assert summary(items) == "2 of 4 applied · 2 pending · 1 changed"
