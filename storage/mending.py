"""What is made good by itself: a file that was moved, replaced or damaged, and what waited for the vault."""

import logging
from typing import TYPE_CHECKING

from models.event import ConnectionsChanged, Notice
from models.problem import Category, Problem, StoreError
from models.status import Backend, StoreState
from storage.database import Database, Place
from storage.json_store.record_file import Identity
from storage.opening import recover_moved

if TYPE_CHECKING:
    from storage.machine import Machine

_log = logging.getLogger(__name__)


def recover(machine: "Machine") -> tuple[Problem | None, bool]:
    """Open what is at the file's path now, saving what the open one holds; tell what happened, and if all is same.

    Only a file can be moved.
    """
    database = machine.home.database
    if not isinstance(database, Database) or database.place() is Place.SAME:
        return None, True
    try:
        recovered = recover_moved(database, machine.folder)
    except StoreError as error:
        machine.go(StoreState.READ_ONLY, error.problem, backend=Backend.SQLITE)
        return error.problem, False
    except OSError:
        _log.exception("The moved database could not be written again.")
        machine.home.let_go()
        machine.reopen()
        return machine.current.problem, False
    machine.reopen()
    machine.cache.drop()
    machine.publish(ConnectionsChanged(everything=True))
    machine.publish(Notice("warning", f"{recovered.problem.text} {recovered.problem.solution}", recovered.problem))
    return recovered.problem, recovered.same and machine.state is StoreState.ONLINE


def opened_anew(machine: "Machine", problem: Problem) -> bool:
    """Open a file anew that was damaged or emptied while it was open; True where a call may be tried once more.

    Opening puts a damaged file right, and asks about an emptied one.
    """
    unexpected = problem.category in {Category.CORRUPT, Category.SCHEMA} and not machine.home.is_server
    if not unexpected or machine.closed or machine.held is not None:
        return False
    with machine.work:
        if machine.on_files or machine.state is not StoreState.ONLINE:
            # Opening has said so already.
            return machine.on_files
        machine.reopen()
    found = machine.current.problem
    machine.publish(ConnectionsChanged(everything=True))
    if found is not None:
        machine.publish(Notice("warning", f"{found.text} {found.solution}", found))
    return True


def rescued(machine: "Machine", problem: Problem | None, identity: Identity) -> Problem | None:
    """Fill a file that was rebuilt after damage from the record files, which may be newer than its backup."""
    repository = machine.home.repository
    if problem is None or problem.category is not Category.CORRUPT or repository is None or machine.home.is_server:
        return problem
    count = machine.journal.rescue(identity, repository)
    machine.accepted = identity
    if not count:
        return problem
    noun = "connection was" if count == 1 else "connections were"
    return problem._replace(text=f"{problem.text} {count:,} {noun} brought back from data/connections.")


def is_only_on_files(machine: "Machine", problem: Problem | None) -> bool:
    """Tell whether a person is asked about a file that is gone, and the records show what it held."""
    if problem is None or problem.category is not Category.EMPTY_DB:
        return False
    return bool(machine.journal.records.rows() or machine.journal.records.waiting_count)


def look_whether_writable(machine: "Machine") -> None:
    """Take back that the server takes no changes, once it does: a standby was promoted. Raises StoreError."""
    from storage.opening_postgresql import refuses_changes
    from storage.postgresql.database import PostgresDatabase

    problem, database = machine.current.problem, machine.home.database
    if problem is None or problem.category is not Category.READ_ONLY or not isinstance(database, PostgresDatabase):
        return
    if not refuses_changes(database):
        machine.go(StoreState.ONLINE, None, backend=Backend.POSTGRESQL)


def look_at_vault(machine: "Machine") -> None:
    """Send what waits for the vault, once it is open here; another desktop may have settled what it needs."""
    try:
        if machine.home.vault_is_open or machine.home.join_again():
            machine.enter(None)
    except StoreError as error:
        machine.failed(error.problem)
