"""Any history of changes, answers of the database, failures and restarts: what waits stays until it is settled."""

import errno
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from models.connection import Connection
from models.problem import Category, Problem, StoreError
from storage.data_folder import prepare
from storage.json_store.names import INDEX_NAME
from storage.json_store.record_folder import RecordFolder
from storage.operations import Kind, Operation
from tests.faults.test_failing_calls import FailingCalls
from tests.json_kit import a_record, an_operation

NEVER_FAILS = 10**9
REFUSED = Problem(Category.CONSTRAINT, "No.", "Correct it.")
CHANGES = st.fixed_dictionaries({}, optional={"note": st.sampled_from("abc"), "color": st.sampled_from("xyz")})


class Histories(RuleBasedStateMachine):
    """Keeps beside the folder, in plain dictionaries, what must be in it."""

    @initialize()
    def begin(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="cts-test-"))
        self.calls = FailingCalls(NEVER_FAILS, errno.EIO, stays=False)
        self.pool = [a_record(f"c{number}") for number in range(4)]
        self.waiting: list[Operation] = []
        self.rejected: list[Operation] = []
        self.bases: dict[str, Connection] = {}
        self.records = self.fresh()

    def fresh(self) -> RecordFolder:
        records = RecordFolder(prepare(self.root), calls=self.calls)
        assert records.open() == []
        return records

    def attempt(self, call: Any, *arguments: Any) -> bool:
        try:
            call(*arguments)
        except StoreError:
            return False
        finally:
            self.calls.at = NEVER_FAILS
        return True

    @rule(which=st.integers(0, 3), kind=st.sampled_from(Kind), changes=CHANGES, fails=st.none() | st.integers(0, 12))
    def record(self, which: int, kind: Kind, changes: dict[str, str], fails: int | None) -> None:
        known = which in [self.pool.index(each) for each in self.pool if self.is_known(each.id)]
        kind = kind if known else Kind.ADD
        if known and kind is Kind.ADD:
            kind = Kind.EDIT
        operation = an_operation(self.pool[which], kind, {} if kind is Kind.REMOVE else changes)
        if fails is not None:
            self.calls.at = self.calls.count + fails
        if self.attempt(self.records.record, operation):
            self.waiting.append(operation)

    def is_known(self, connection_id: str) -> bool:
        return connection_id in self.bases or any(each.connection_id == connection_id for each in self.waiting)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data(), gone=st.booleans(), fails=st.none() | st.integers(0, 12))
    def settle(self, data: st.DataObject, gone: bool, fails: int | None) -> None:
        operation = data.draw(st.sampled_from(self.waiting))
        base = self.pool_of(operation.connection_id)
        if fails is not None:
            self.calls.at = self.calls.count + fails
        if self.attempt(self.records.settle, operation, None if gone and operation.kind is Kind.REMOVE else base):
            self.waiting.remove(operation)
            self.bases[base.id] = base

    def pool_of(self, connection_id: str) -> Connection:
        return next(each for each in self.pool if each.id == connection_id)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def refuse(self, data: st.DataObject) -> None:
        operation = data.draw(st.sampled_from(self.waiting))
        if self.attempt(self.records.reject, operation, REFUSED):
            self.waiting.remove(operation)
            self.rejected.append(operation)

    @rule(which=st.integers(0, 3), note=st.sampled_from("pqr"), fails=st.none() | st.integers(0, 12))
    def mirror(self, which: int, note: str, fails: int | None) -> None:
        connection = replace(self.pool[which], note=note)
        if fails is not None:
            self.calls.at = self.calls.count + fails
        assert self.attempt(self.records.mirror, [connection])
        if not any(each.connection_id == connection.id for each in self.waiting):
            self.bases[connection.id] = connection
        self.records.mirror([])

    @rule(index=st.sampled_from(["stays", "goes", "is damaged"]), closed=st.booleans())
    def restart(self, index: str, closed: bool) -> None:
        if closed:
            self.records.close()
        else:
            # As after a kill: what the program still meant to write is not there.
            self.records._upkeep._closing = True
            self.records._upkeep.wake()
        path = prepare(self.root).connections / INDEX_NAME
        if index == "goes":
            path.unlink(missing_ok=True)
        elif index == "is damaged" and path.exists():
            path.write_bytes(path.read_bytes()[:-30])
        self.records = self.fresh()

    @invariant()
    def what_waits_is_there(self) -> None:
        if not hasattr(self, "records"):
            return
        assert self.records.waiting() == sorted(self.waiting, key=lambda each: each.sequence)
        assert self.records.waiting_count == len(self.waiting)
        assert [each.operation for each in self.records.rejected()] == sorted(
            self.rejected, key=lambda each: each.sequence
        )
        assert self.records.problems == []

    @invariant()
    def the_list_is_what_the_records_say(self) -> None:
        if not hasattr(self, "records"):
            return
        for row in self.records.rows():
            connection = self.records.get(row.id)
            assert connection is not None
            assert (row.name, row.color, row.revision) == (connection.name, connection.color, connection.revision)
        for connection_id in self.bases:
            base = self.records.base(connection_id)
            assert base is not None
            mine = [each for each in self.waiting if each.connection_id == connection_id]
            state = self.records.state(connection_id)
            assert state is not None
            expected = dict(base.fields)
            for operation in mine:
                expected |= operation.changes
            assert dict(state.fields) == expected

    def teardown(self) -> None:
        if hasattr(self, "records"):
            self.records.close()
            shutil.rmtree(self.root)


Histories.TestCase.settings = settings(
    max_examples=40,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
test_any_history = Histories.TestCase
