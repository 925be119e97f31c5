"""Three desktops stay open on one PostgreSQL; it is pulled down hard, all three work on, and it comes back.

All three show one list then, every edit is in it or is a conflict that `changes resolve` settles, and none was started
anew.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bare_postgres import BareServer, wait_until
from tests.canary import canaries_in, make_canary
from tests.e2e.desks import Desks, user_with_canary
from tests.e2e.resident import Resident

NAMES = ("Same field", "Other fields", "Deleted and edited", "Credentials", "Deleted by two", "Untouched")


@pytest.fixture
def server() -> Iterator[BareServer]:
    made = BareServer()
    try:
        made.start()
        yield made
    finally:
        made.destroy()


@pytest.fixture
def password() -> str:
    return make_canary(awkward=True)


@pytest.fixture
def desks(server: BareServer, tmp_path: Path, password: str) -> Desks:
    return Desks(tmp_path, user_with_canary(server, "three", password))


@pytest.fixture
def three(desks: Desks) -> Iterator[list[Resident]]:
    # One after the other: the first migrates and makes the vault that all of them share.
    started: list[Resident] = []
    try:
        started.extend(Resident(desks.desk(name)) for name in ("one", "two", "three"))
        yield started
    finally:
        for desk in started:
            desk.close()


def bybit(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "exchange": "bybit", "api_key": make_canary(), "api_secret": make_canary(), **fields}


def all_see(three: list[Resident], names: set[str]) -> None:
    for desk in three:
        wait_until(lambda seen=desk: set(seen.records()) == names, 20)  # type: ignore[misc]


def same_list(three: list[Resident]) -> dict[str, Any]:
    """Return the list, once all three show the same."""
    wait_until(lambda: three[0].records() == three[1].records() == three[2].records(), 20)
    return three[0].records()


def work_while_it_is_down(three: list[Resident], keys: list[str]) -> None:
    """Edit in all three what each way of meeting needs: one field, other fields, credentials, names, deletions."""
    one, two, last = three
    for number, desk in enumerate(three):
        assert desk.ask("edit", "Same field", {"note": f"from {number}"}) is None
        assert desk.ask("edit", "Credentials", {"api_key": keys[number], "api_secret": make_canary()}) is None
        assert desk.ask("add", bybit(f"New of {number}")) is None
        assert desk.ask("add", bybit("Same name")) is None
    assert one.ask("edit", "Other fields", {"note": "from one"}) is None
    assert two.ask("edit", "Other fields", {"tags": ["two"]}) is None
    assert last.ask("edit", "Other fields", {"leverage_limit": 9}) is None
    assert one.ask("remove", "Deleted and edited") == 1
    assert two.ask("edit", "Deleted and edited", {"note": "still wanted"}) is None
    assert one.ask("remove", "Deleted by two") == last.ask("remove", "Deleted by two") == 1
    for desk in three:
        store = desk.store()
        assert (store["backend"], store["state"], store["problem"]["category"]) == ("json", "fallback", "SERVER_DOWN")
        assert store["waiting"] >= 5


def check_merged(three: list[Resident]) -> dict[str, Any]:
    found = same_list(three)
    same_names = {"Same name", "Same name (2)", "Same name (3)"}
    expected = {*NAMES, *(f"New of {number}" for number in range(3)), *same_names} - {"Deleted by two"}
    assert set(found) == expected
    other = found["Other fields"]
    assert (other["note"], other["tags"], other["leverage_limit"]) == ("from one", ["two"], 9)
    assert found["Deleted and edited"]["note"] == "still wanted"
    assert found["Untouched"]["revision"] == 1
    assert all(desk.store()["rejected"] == 0 for desk in three)
    return found


def settle(three: list[Resident], desks: Desks, found: dict[str, Any]) -> None:
    """Of three values of one field, one stands and two wait; so do the credentials, each pair as one."""
    person = desks.desk("a person at a terminal")
    listed = person.run("changes", "list", "--json").json["conflicts"]
    notes = [conflict for conflict in listed if conflict["name"] == "Same field"]
    keyed = [conflict for conflict in listed if conflict["name"] == "Credentials"]
    assert len(listed) == len(notes) + len(keyed) == 4
    assert {found["Same field"]["note"], *(each["mine"]["note"] for each in notes)} == {"from 0", "from 1", "from 2"}
    assert all({"api_key", "api_secret"} <= set(each["fields"]) for each in keyed)
    for desk in three:
        wait_until(lambda seen=desk: seen.store()["conflicts"] == 4)  # type: ignore[misc]
    chosen = next(each for each in notes if each["mine"]["note"] == "from 2" or each is notes[-1])
    for each in notes:
        person.run("changes", "resolve", each["id"], "--keep", "mine" if each is chosen else "theirs")
    for each in keyed:
        person.run("changes", "resolve", each["id"], "--keep", "mine")
    wait_until(lambda: all(desk.store()["conflicts"] == 0 for desk in three), 20)
    wait_until(lambda: three[2].records()["Same field"]["note"] == chosen["mine"]["note"])
    same_list(three)


def test_nothing_is_lost_and_nobody_starts_anew(
    three: list[Resident], desks: Desks, server: BareServer, password: str
) -> None:
    one, two, last = three
    for name in NAMES:
        assert one.ask("add", bybit(name, note="base")) is None
    all_see(three, set(NAMES))
    server.kill()
    keys = [make_canary() for _ in three]
    work_while_it_is_down(three, keys)
    server.start()
    for desk in three:
        desk.wait_home()
    settle(three, desks, check_merged(three))
    endings = {desk.ask("ending", "Credentials") for desk in three}
    assert len(endings) == 1
    assert endings <= {key[-4:] for key in keys}
    # A change that is made now reaches the others without a question.
    assert last.ask("edit", "Untouched", {"note": "after all"}) is None
    wait_until(lambda: one.records()["Untouched"]["note"] == two.records()["Untouched"]["note"] == "after all")
    assert [desk.close() for desk in three] == [0, 0, 0]
    for desk in three:
        assert canaries_in(desk.program.everything_written(), [password, *keys]) == []
