"""F25: two and three desktops on one PostgreSQL edit, delete, lose the server, crash and come back, in random order.

All of them end with one list; what any of them called saved is in the database, or was until somebody who had seen it
changed it again, or waits as a conflict, or stands among the refused; credentials are never mixed.
"""

import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from models.connection import Connection
from models.problem import StoreError
from models.secret import SealedSecret, Secret
from models.status import StoreState
from storage.migrator.runner import Migrator
from tests.bare_postgres import BareServer
from tests.cheap_passphrases import make_cheap
from tests.databases import connect
from tests.desks import Desk, Office
from tests.store_kit import MIGRATIONS, a_connection

EXAMPLES = int(os.environ.get("CTS_DESKTOP_EXAMPLES", "12"))
NAMES = st.sampled_from(["Main", "Second", "Third"])
# Every version of every record that the database ever held.
AUDIT = """
CREATE TABLE audit (id text, note text, color text, api_key text, api_secret text, name text);
CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit VALUES (NEW.id, NEW.note, NEW.color, NEW.api_key, NEW.api_secret, NEW.name);
    RETURN NULL;
END $$;
CREATE TRIGGER audit AFTER INSERT OR UPDATE ON exchange_connections FOR EACH ROW EXECUTE FUNCTION audit();
"""


@pytest.fixture(autouse=True)
def _cheap_passphrases(monkeypatch: pytest.MonkeyPatch) -> None:
    make_cheap(monkeypatch)


@pytest.fixture(scope="module")
def template(postgres_server: BareServer) -> Iterator[str]:
    postgres_server.sql("CREATE DATABASE desk_template")
    raw = connect(postgres_server.url("desk_template"))
    Migrator(raw, MIGRATIONS, backup=lambda: None).apply()
    raw.rows(AUDIT)
    raw.close()
    yield "desk_template"
    postgres_server.sql("DROP DATABASE desk_template WITH (FORCE)")


class Desktops(RuleBasedStateMachine):
    """`said` are the values that a desk called saved, in its order: (desk, record, unit) to values."""

    server: BareServer
    template: str
    how_many = 2

    def __init__(self) -> None:
        super().__init__()
        self.office = Office(self.server, Path(tempfile.mkdtemp(prefix="cts-desks-")), self.template)
        self.desks = [self.office.desk() for _ in range(self.how_many)]
        self.said: dict[tuple[str, str, str], list[str]] = {}
        self.seen: dict[tuple[str, str], Connection] = {}
        self.numbers = count(1)

    @initialize()
    def begin(self) -> None:
        first = a_connection("Shared")
        self.desks[0].kit.store.repository.add([replace(first, **keys(self.desks[0], first.id, "#0"))])
        for desk in self.desks:
            desk.settle()

    @rule(which=st.integers(0, 2), name=NAMES)
    def add(self, which: int, name: str) -> None:
        desk = self.desk(which)
        value = self.value()
        new = a_connection(name, note=value)
        new = replace(new, **keys(desk, new.id, value))
        if not isinstance(desk.try_to(lambda: desk.kit.store.repository.add([new], rename=True)), StoreError):
            self.say(desk, new.id, "note", value)

    @rule(which=st.integers(0, 2), pick=st.integers(0, 5), unit=st.sampled_from(["note", "color", "keys"]))
    def edit(self, which: int, pick: int, unit: str) -> None:
        desk = self.desk(which)
        record = self.pick(desk, pick)
        if record is not None:
            self.change(desk, record, unit)

    @rule(which=st.integers(0, 2), pick=st.integers(0, 5))
    def look(self, which: int, pick: int) -> None:
        desk = self.desk(which)
        record = self.pick(desk, pick)
        if record is not None:
            self.seen[(desk.name, record.id)] = record

    @rule(which=st.integers(0, 2), pick=st.integers(0, 5), unit=st.sampled_from(["note", "keys"]))
    def edit_what_was_seen_before(self, which: int, pick: int, unit: str) -> None:
        desk = self.desk(which)
        seen = [record for (name, _), record in self.seen.items() if name == desk.name]
        if seen:
            self.change(desk, seen[pick % len(seen)], unit)

    @rule(which=st.integers(0, 2), pick=st.integers(0, 5))
    def remove(self, which: int, pick: int) -> None:
        desk = self.desk(which)
        record = self.pick(desk, pick)
        if record is not None:
            desk.try_to(lambda: desk.kit.store.repository.remove([record.id]))

    @rule(which=st.integers(0, 2))
    def restore(self, which: int) -> None:
        desk = self.desk(which)
        gone = desk.try_to(desk.kit.store.repository.deleted)
        if not isinstance(gone, StoreError) and gone:
            desk.try_to(lambda: desk.kit.store.repository.restore([gone[0].id]))

    @rule(which=st.integers(0, 2))
    def cut(self, which: int) -> None:
        self.desk(which).cut()

    @rule(pick=st.integers(0, 5), unit=st.sampled_from(["note", "keys"]))
    def all_edit_one_while_the_server_is_away(self, pick: int, unit: str) -> None:
        for desk in self.desks:
            desk.cut()
            record = self.pick(desk, pick)
            if record is not None:
                self.change(desk, record, unit)

    @rule(which=st.integers(0, 2))
    def mend(self, which: int) -> None:
        desk = self.desk(which)
        desk.mend()
        desk.settle()

    @rule(which=st.integers(0, 2))
    def crash(self, which: int) -> None:
        self.desk(which).crash()

    def teardown(self) -> None:
        try:
            self.converge()
        finally:
            self.office.close()

    def converge(self) -> None:
        for desk in self.desks:
            desk.mend()
        for _ in range(2):
            for desk in self.desks:
                desk.settle()
        lists = [desk.kit.store.repository.rows() for desk in self.desks]
        assert all(each == lists[0] for each in lists)
        for desk in self.desks:
            assert desk.kit.store.status.waiting == 0
            mirrored = {(row.id, row.name, row.revision) for row in desk.kit.store._journal.records.rows()}
            assert mirrored == {(row.id, row.name, row.revision) for row in lists[0]}
        self.nothing_is_lost()
        for each, key, secret in self.office.rows("SELECT id, api_key, api_secret FROM audit"):
            assert self.opened(each, "api_key", key) == self.opened(each, "api_secret", secret), "mixed credentials"

    def nothing_is_lost(self) -> None:
        known: dict[tuple[str, str], set[str]] = {}
        for each, note, color, key, _, _ in self.office.rows("SELECT * FROM audit"):
            for unit, value in (("note", note), ("color", color), ("keys", self.opened(each, "api_key", key))):
                known.setdefault((each, unit), set()).add(value)
        kept = [
            (each, json.loads(mine)) for each, mine in self.office.rows("SELECT connection_id, mine FROM conflicts")
        ]
        for desk in self.desks:
            refused = desk.kit.store._journal.records.rejected()
            kept += [(each.operation.connection_id, each.operation.changes) for each in refused]
        for each, values in kept:
            for field, value in values.items():
                unit = "keys" if field.startswith("api_") else field
                plain = self.opened(each, field, value) if unit == "keys" else value
                known.setdefault((each, unit), set()).add(plain)
        for (_, record, unit), values in self.said.items():
            # A desk that changed its own value again, before anybody had it, lost nothing.
            assert values[-1] in known.get((record, unit), set()), f"{unit} {values[-1]} of {record} is lost"

    def desk(self, which: int) -> Desk:
        return self.desks[which % len(self.desks)]

    def value(self) -> str:
        return f"#{next(self.numbers):06d}"

    def pick(self, desk: Desk, pick: int) -> Connection | None:
        rows = desk.try_to(desk.kit.store.repository.rows)
        assert not isinstance(rows, StoreError), rows
        if not rows:
            return None
        found = desk.try_to(lambda: desk.kit.store.repository.get(rows[pick % len(rows)].id))
        return None if isinstance(found, StoreError) else found

    def change(self, desk: Desk, base: Connection, unit: str) -> None:
        value = self.value()
        new: Any = keys(desk, base.id, value) if unit == "keys" else {unit: value}
        if not isinstance(
            desk.try_to(lambda: desk.kit.store.repository.update(base, replace(base, **new))), StoreError
        ):
            self.say(desk, base.id, unit, value)

    def opened(self, record: str, field: str, token: str | None) -> str:
        if token is None:
            return ""
        return self.desks[0].kit.vault.open_secret(record, field, SealedSecret(token)).reveal()

    def say(self, desk: Desk, record: str, unit: str, value: str) -> None:
        self.said.setdefault((desk.name, record, unit), []).append(value)


def keys(desk: Desk, record: str, value: str) -> dict[str, Any]:
    """Return credentials whose key and secret are the same, so that mixed ones show."""
    names = ("api_key", "api_secret")
    return {name: desk.kit.vault.seal(record, name, Secret(value)) for name in names} | {"api_passphrase": None}


@pytest.mark.parametrize("how_many", [2, 3])
def test_they_all_end_with_one_list(postgres_server: BareServer, template: str, how_many: int) -> None:
    Desktops.server, Desktops.template, Desktops.how_many = postgres_server, template, how_many
    run_state_machine_as_test(
        Desktops,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=30,
            deadline=None,
            # Shrinking would take minutes of real databases; a failure prints its steps.
            phases=[Phase.explicit, Phase.reuse, Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_a_desk_alone_is_online(postgres_server: BareServer, template: str, tmp_path: Path) -> None:
    office = Office(postgres_server, tmp_path, template)
    try:
        desk = office.desk()
        assert desk.kit.state() is StoreState.ONLINE
        desk.cut()
        desk.hurry()
        desk.kit.add("kept")
        assert desk.kit.state() is StoreState.FALLBACK
        desk.mend()
        desk.settle()
        assert office.rows("SELECT name FROM exchange_connections") == [("kept",)]
    finally:
        office.close()
