"""Files and ledger to states and steps: a pure function, so that every state can be tried without a database."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from models import VERSION
from models.problem import Category, Problem
from models.status import MigrationItem, MigrationState
from storage.migrator.files import Migration

NEWEST = 86
"""The highest migration that this version brings. A higher one in a ledger was applied by a newer program."""


class LedgerRow(NamedTuple):
    """One row of the table `migrations`. `state` is applied or baseline."""

    number: int
    name: str
    checksum: str
    applied_at: str
    milliseconds: int
    program_version: str
    state: str


class Failure(NamedTuple):
    """The last failed attempt at a migration, kept so that its reason survives a restart."""

    number: int
    checksum: str
    file: str
    line: int
    statement: str
    message: str
    failed_at: str


class Plan(NamedTuple):
    """What is and what to do. `held` waits for a person: out of order. `stopped`: an applied file was changed."""

    items: tuple[MigrationItem, ...]
    to_run: tuple[Migration, ...]
    held: tuple[Migration, ...]
    future: bool
    stopped: bool

    @property
    def up_to_date(self) -> bool:
        return not (self.to_run or self.held or self.future)


def plan(
    files: Sequence[Migration], ledger: Sequence[LedgerRow], failures: Sequence[Failure], newest_known: int
) -> Plan:
    """Return every migration's state by number, and which files to run."""
    rows = {row.number: row for row in ledger}
    known = {file.number: file for file in files}
    failed = {failure.number: failure for failure in failures}
    newest = max(rows, default=0)
    items = []
    for number in sorted(rows.keys() | known.keys()):
        file, row = known.get(number), rows.get(number)
        if file is None:
            assert row is not None
            items.append(_without_file(row, newest_known))
        elif row is None:
            items.append(_not_applied(file, failed.get(number), newest))
        else:
            items.append(_applied(file, row))
    states = {item.number: item.state for item in items}
    future = MigrationState.FUTURE in states.values()
    stopped = MigrationState.CHANGED in states.values()
    held = tuple(file for file in files if file.number not in rows and file.number < newest)
    waiting = tuple(file for file in files if file.number > newest)
    to_run = () if future or stopped else waiting
    return Plan(tuple(_explain_waiting(items, future, stopped)), to_run, held, future, stopped)


def newer_version(items: Sequence[MigrationItem]) -> MigrationItem | None:
    """Return the newest migration that a newer program applied, or None."""
    return next((item for item in reversed(items) if item.state is MigrationState.FUTURE), None)


def _without_file(row: LedgerRow, newest_known: int) -> MigrationItem:
    newer = _version(row.program_version) > _version(VERSION)
    if row.number > newest_known or newer:
        needed = f"version {row.program_version}" if newer else "a newer version"
        return _from_row(
            row,
            MigrationState.FUTURE,
            f"Applied by {needed} of the program; this is version {VERSION}. The database is opened read-only.",
            f"Update the program to {needed}{' or later' if newer else ''}.",
        )
    return _from_row(
        row,
        MigrationState.MISSING,
        "It was applied, and its file is gone. The database has what it brought.",
        "Put the file back, or let Repair take it out of the list.",
    )


def _not_applied(file: Migration, failure: Failure | None, newest: int) -> MigrationItem:
    if failure is not None:
        return MigrationItem(
            file.number,
            file.name,
            MigrationState.FAILED,
            None,
            None,
            f"It failed in {failure.file}, line {failure.line}: {failure.message}. The data is as it was before.",
            "Read the reason, mend it, and apply again; nothing is half done.",
            failed_problem(file.number, file.name, failure),
        )
    if file.number < newest:
        return MigrationItem(
            file.number,
            file.name,
            MigrationState.OUT_OF_ORDER,
            None,
            None,
            f"It has a lower number than {newest:03}, which is applied already; it does not run by itself.",
            "Rehearse it, then apply it.",
        )
    return MigrationItem(file.number, file.name, MigrationState.PENDING, None, None, "It has not run yet.", "Apply it.")


def failed_problem(number: int, name: str, failure: Failure) -> Problem:
    return Problem(
        Category.MIGRATION,
        f"Migration {number:03} {name} failed in {failure.file}, line {failure.line}: {failure.message}.",
        "Nothing of it was kept. Mend the reason and apply again; until then the program goes on without it.",
        f"{failure.file}:{failure.line}: {failure.statement}",
    )


def _applied(file: Migration, row: LedgerRow) -> MigrationItem:
    if row.checksum != file.checksum or row.name != file.name:
        what = "Its file was changed" if row.checksum != file.checksum else f"Its file was renamed from {row.name}"
        return _from_row(
            row,
            MigrationState.CHANGED,
            f"{what} after it was applied. The database has what the old file brought; nothing new is applied.",
            "Put the old file back, or let Repair accept the file as it is now.",
        )._replace(name=file.name)
    if row.state == MigrationState.BASELINE:
        return _from_row(row, MigrationState.BASELINE, "The database had it already; it was adopted, not run.", "")
    return _from_row(row, MigrationState.APPLIED, "It is applied.", "")


def _from_row(row: LedgerRow, state: MigrationState, sentence: str, action: str) -> MigrationItem:
    return MigrationItem(row.number, row.name, state, row.applied_at, row.milliseconds, sentence, action)


def _explain_waiting(items: Sequence[MigrationItem], future: bool, stopped: bool) -> list[MigrationItem]:
    """Say of pending ones what they wait for, where they do not simply run at the next start."""
    failed = next((item for item in items if item.state is MigrationState.FAILED), None)
    reason, action = "", ""
    if future:
        reason, action = "It waits: a newer program has changed this database.", "Update the program."
    elif stopped:
        reason, action = "It waits: the file of an applied migration was changed.", "Repair that one first."
    result = []
    for item in items:
        if item.state is MigrationState.PENDING and reason:
            item = item._replace(sentence=reason, action=action)  # noqa: PLW2901
        elif item.state is MigrationState.PENDING and failed and item.number > failed.number:
            item = item._replace(  # noqa: PLW2901
                sentence=f"It waits for {failed.number:03}, which failed.", action=f"Mend {failed.number:03} first."
            )
        result.append(item)
    return result


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])
