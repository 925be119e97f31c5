"""F25: two and three desktops, each a process, on one PostgreSQL: they edit, delete, lose the server, are killed in the
middle and come back, in random order and at once, while others change the tables by plain SQL.

All of them end with one list; what any of them called saved is in the database, or was until somebody who had seen it
changed it again, or waits as a conflict; credentials are never mixed. How that is judged is in desk_ledger.py.
"""

import os
from collections.abc import Iterator
from itertools import count

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.bare_postgres import BareServer
from tests.faults.desk_ledger import Ledger
from tests.faults.desk_office import Desk, Office

SCHEDULES = int(os.environ.get("CTS_DESKTOP_SCHEDULES", "500"))
"""So many in all, a quarter of them with three desktops. Others each time: a failure prints its own."""
STEPS = 10
WHICH = st.integers(0, 2)
PICK = st.integers(0, 3)
UNIT = st.sampled_from(["note", "color", "keys", "place", "name"])
WORD = st.sampled_from(["edit", "remove", "settle", "restore"])
PLACES = ("bybit/live", "okx/demo", "binance/testnet")
NAMES = ("Main", "Second", "Third")


class Desktops(RuleBasedStateMachine):
    office: Office
    how_many = 2

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger()
        self.desks = self.office.begin(self.how_many, self.ledger)
        self.numbers = count(1)

    @initialize()
    def begin(self) -> None:
        for name in NAMES[:2]:
            self.desks[0].ask("add", name, self.value("note"))
        for desk in self.desks:
            desk.settle()
            desk.ask("look", 0)

    @rule(which=WHICH, name=st.sampled_from(NAMES))
    def add(self, which: int, name: str) -> None:
        self.desk(which).ask("add", name, self.value("note"))

    @rule(which=WHICH, pick=PICK, unit=UNIT)
    def edit(self, which: int, pick: int, unit: str) -> None:
        self.desk(which).ask("edit", pick, unit, self.value(unit))

    @rule(which=WHICH, pick=PICK)
    def look(self, which: int, pick: int) -> None:
        self.desk(which).ask("look", pick)

    @rule(which=WHICH, pick=PICK, unit=UNIT)
    def edit_what_was_seen(self, which: int, pick: int, unit: str) -> None:
        self.desk(which).ask("edit_what_was_seen", pick, unit, self.value(unit))

    @rule(which=WHICH, pick=PICK)
    def remove(self, which: int, pick: int) -> None:
        self.desk(which).ask("remove", pick)

    @rule(which=WHICH, pick=PICK)
    def restore(self, which: int, pick: int) -> None:
        self.desk(which).ask("restore", pick)

    @rule(which=WHICH, pick=PICK, mine=st.booleans())
    def resolve(self, which: int, pick: int, mine: bool) -> None:
        self.desk(which).ask("resolve", pick, mine)

    @rule(which=WHICH)
    def cut(self, which: int) -> None:
        self.desk(which).cut()

    @rule(which=WHICH)
    def settle(self, which: int) -> None:
        self.desk(which).settle()

    @rule(which=WHICH, moment=st.integers(1, 12))
    def settle_and_be_killed_over_it(self, which: int, moment: int) -> None:
        self.desk(which).mend()
        self.desk(which).killed_over(moment, "settle")

    @rule(which=WHICH, moment=st.integers(1, 4), pick=PICK, unit=UNIT)
    def edit_and_be_killed_over_it(self, which: int, moment: int, pick: int, unit: str) -> None:
        self.desk(which).killed_over(moment, "edit", pick, unit, self.value(unit))

    @rule(which=WHICH, pick=PICK, unit=UNIT)
    def edit_while_it_is_cut(self, which: int, pick: int, unit: str) -> None:
        desk = self.desk(which)
        desk.tell("edit", pick, unit, self.value(unit))
        desk.cut()
        desk.answer()

    @rule(pick=PICK, units=st.lists(UNIT, min_size=3, max_size=3))
    def all_edit_one_while_they_are_away(self, pick: int, units: list[str]) -> None:
        for desk, unit in zip(self.desks, units, strict=False):
            desk.cut()
            desk.ask("edit", pick, unit, self.value(unit))

    @rule(what=st.lists(WORD, min_size=3, max_size=3), pick=PICK, unit=UNIT)
    def all_at_once(self, what: list[str], pick: int, unit: str) -> None:
        for desk, word in zip(self.desks, what, strict=False):
            if word == "settle":
                desk.mend()
            given = {"edit": (pick, unit, self.value(unit)), "settle": ()}.get(word, (pick,))
            desk.tell(word, *given)
        for desk in self.desks:
            desk.answer(at_once=True)

    @rule(pick=PICK, raised=st.integers(0, 1))
    def plain_sql(self, pick: int, raised: int) -> None:
        # What raises no revision is noticed where the list shows it.
        unit = ("color", "note")[raised]
        rows = self.office.rows(f"SELECT id, {unit} FROM exchange_connections ORDER BY name")
        if rows:
            record, before = rows[pick % len(rows)]
            value = self.value(unit)
            self.ledger.will("edit", record, {unit: before}, {unit: value})
            change = f"UPDATE exchange_connections SET {unit} = %s, revision = revision + {raised}"
            self.office.rows(f"{change} WHERE id = %s", value, record)

    def teardown(self) -> None:
        try:
            self.converge()
        except BaseException:  # the failure goes on; the next schedule begins with new desks
            self.office.end()
            raise

    def converge(self) -> None:
        for _ in range(2):
            for desk in self.desks:
                desk.settle()
        first, *others = [desk.ask("everything") for desk in self.desks]
        self.ledger.check(self.office.rows, lambda tokens: self.desks[0].ask("opened", tokens))
        assert first["waiting"] == 0
        assert first["refused"] == []
        assert first["mirror"] == first["shown"]
        for each in others:
            assert each == first

    def desk(self, which: int) -> Desk:
        return self.desks[which % len(self.desks)]

    def value(self, unit: str) -> str:
        """Return a new value; of the units that have few, another one."""
        number = next(self.numbers)
        if unit in ("name", "place"):
            return (NAMES if unit == "name" else PLACES)[number % 3]
        return f"#{number:06d}"


@pytest.fixture(scope="module")
def office(postgres_server: BareServer, migrated_template: str) -> Iterator[Office]:
    made = Office(postgres_server, migrated_template)
    yield made
    made.close()


@pytest.mark.parametrize(("how_many", "schedules"), [(2, SCHEDULES * 3 // 4), (3, SCHEDULES // 4)])
def test_they_all_end_with_one_list(office: Office, how_many: int, schedules: int) -> None:
    Desktops.office, Desktops.how_many = office, how_many
    run_state_machine_as_test(
        Desktops,
        settings=settings(
            max_examples=schedules,
            stateful_step_count=STEPS,
            deadline=None,
            # The same for the same commit: whether one lands must not be luck. Who asks for a number of them hunts.
            derandomize="CTS_DESKTOP_SCHEDULES" not in os.environ,
            print_blob=True,
            # Shrinking would take minutes of real databases; a failure prints its steps.
            phases=[Phase.explicit, Phase.reuse, Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
