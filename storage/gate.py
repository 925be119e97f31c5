"""Where every read and write goes through: to the database, or to the record files while it is away."""

from collections.abc import Callable
from typing import TypeVar

from models.connection_row import ConnectionRow
from models.event import Event, StoreChanged
from models.problem import Category, Problem, StoreError
from models.status import StoreState
from storage.breaker import COUNTED
from storage.database import Place
from storage.json_store.json_repository import JsonRepository
from storage.machine import Machine
from storage.mending import opened_anew, recover
from storage.opening_steps import NOT_OPEN
from storage.operations import NotAppliedError
from storage.repository import Repository

T = TypeVar("T")


class Gate:
    """Runs a call on what is the truth now; a failure that the record files can bear is not the caller's.

    A server's time-out or lock comes here after as many attempts as the breaker allows (executor.py, and a transaction
    that ends so is not tried for ever): it is an outage like any other.
    """

    def __init__(self, machine: Machine, publish: Callable[[Event], None]) -> None:
        self._machine = machine
        self._publish = publish

    def rows(self) -> list[ConnectionRow]:
        """Return the list, from the cache while nobody is known to have changed it."""
        return self.reading(self._machine.sharing.rows)

    def reading(self, call: Callable[[Repository], T]) -> T:
        """Run a call that reads, on what is the truth now; once again if that was lost or had to be opened anew."""
        repository = self._readable()
        try:
            return call(repository)
        except StoreError as error:
            if self._machine.failed(error.problem, times=COUNTED):
                return call(self._machine.journal.repository())
            if not self._was_moved(error) and not opened_anew(self._machine, error.problem):
                raise
        return call(self._readable())

    def writing(self, call: Callable[[Repository], T], answer: Callable[[JsonRepository], T] | None = None) -> T:
        """Run a call that writes. What does not get through to the database is kept in the record files.

        `answer` makes the result from them when the call's own operations were kept there. What was written to a file
        that has lost its name since is written again or told.
        """
        machine = self._machine
        if machine.held is not None:
            raise StoreError(_refusal(machine.held))
        with machine.switch:
            if machine.on_files and machine.state is not StoreState.READ_ONLY:
                return self._on_files(call)
        if (machine.on_files or machine.home.repository is not None) and machine.state is not StoreState.ONLINE:
            raise StoreError(_refusal(machine.current.problem))
        result = self._stored(self._ready(), call, answer)
        if machine.home.place() is not Place.SAME:
            # The commit went to a file without a name; recovering takes it along, or keeps it aside and says so.
            with machine.work:
                problem, same = recover(machine)
            if not same and problem is not None:
                raise StoreError(problem)
        return result

    def _stored(
        self, repository: Repository, call: Callable[[Repository], T], answer: Callable[[JsonRepository], T] | None
    ) -> T:
        machine = self._machine
        try:
            return call(repository)
        except NotAppliedError as error:
            if error.unknown or machine.closed or machine.failed(error.problem, times=COUNTED):
                return self._keep(error, answer)
            if not self._was_moved(error, must_be_same=True) and not opened_anew(machine, error.problem):
                raise
        except StoreError as error:
            # Nothing was sent yet: the record was being read.
            if machine.failed(error.problem, times=COUNTED):
                with machine.switch:
                    return self._on_files(call)
            if not self._was_moved(error, must_be_same=True) and not opened_anew(machine, error.problem):
                raise
        return call(self._ready())

    def _on_files(self, call: Callable[[Repository], T]) -> T:
        result = call(self._machine.journal.repository())
        self._publish(StoreChanged(self._machine.status()))
        return result

    def _keep(self, error: NotAppliedError, answer: Callable[[JsonRepository], T] | None) -> T:
        """Keep the very operations that did not get through, or may have, until they are found or applied."""
        machine = self._machine
        with machine.switch:
            self._machine.journal.keep(error.operations, error.seen)
            if not machine.on_files:
                machine.fall(error.problem)
        self._publish(StoreChanged(self._machine.status()))
        if answer is None:
            raise error
        return answer(self._machine.journal.repository())

    def _readable(self) -> Repository:
        return self._machine.journal.repository() if self._machine.on_files else self._ready()

    def _ready(self) -> Repository:
        repository = self._machine.home.repository
        if repository is None or self._machine.closed:
            raise StoreError(self._machine.current.problem or NOT_OPEN)
        return repository

    def _was_moved(self, error: StoreError, *, must_be_same: bool = False) -> bool:
        """Recover from MOVED; True if the call may be tried again."""
        machine = self._machine
        if error.problem.category is not Category.MOVED or machine.closed:
            return False
        with machine.work:
            problem, same = recover(machine)
            if must_be_same and not same and problem is not None:
                raise StoreError(problem) from error
            return self._machine.home.repository is not None


def _refusal(because: Problem | None) -> Problem:
    if because is None:
        text = "The database is open for reading only."
        return Problem(
            Category.NOT_WRITABLE, text, "See the Database page.", by_command="See the reason with `status`."
        )
    return because._replace(text=f"Nothing was saved. {because.text}")
