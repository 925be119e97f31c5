"""The database goes away and comes back: every change made meanwhile comes home, and no process is started anew."""

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.bare_postgres import BareServer, wait_until
from tests.canary import canaries_in, make_canary
from tests.e2e.desks import Desks, user_with_canary
from tests.e2e.program import Program

_numbers = count(1)
NOTHING: dict[str, list[Any]] = {"waiting": [], "rejected": [], "conflicts": []}


@pytest.fixture(scope="module")
def outage_server() -> Iterator[BareServer]:
    server = BareServer()
    try:
        server.start()
        yield server
    finally:
        server.destroy()


@pytest.fixture
def server(outage_server: BareServer) -> Iterator[BareServer]:
    """Give a server that may be stopped and frozen; the next test finds it running again."""
    yield outage_server
    outage_server.thaw()
    if not outage_server.running():
        outage_server.start()


@pytest.fixture
def password() -> str:
    return make_canary(awkward=True)


@pytest.fixture
def desks(server: BareServer, tmp_path: Path, password: str) -> Desks:
    return Desks(tmp_path, user_with_canary(server, f"outage_{next(_numbers)}", password))


def bybit(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "exchange": "bybit", "api_key": make_canary(), "api_secret": make_canary(), **fields}


def add_offline(desk: Program, **fields: Any) -> dict[str, Any]:
    ran = desk.run("connections", "add", "--json", stdin=json.dumps(fields), code=3)
    added: dict[str, Any] = ran.json
    return added


def edit(desk: Program, name: str, code: int = 0, **fields: Any) -> None:
    desk.run("connections", "edit", name, stdin=json.dumps(fields), code=code)


def names(desk: Program, code: int) -> list[str]:
    return sorted(row["name"] for row in desk.run("connections", "list", "--json", code=code).json)


def test_what_is_added_while_the_server_is_down_comes_home(desks: Desks, server: BareServer, password: str) -> None:
    one, two = desks.desk("one"), desks.desk("two")
    one.add(**bybit("Before"))
    server.stop()
    fields = bybit("During")
    added = add_offline(one, **fields)
    assert (added["name"], added["api_secret_set"]) == ("During", True)
    status = one.run("status", "--json", code=3)
    assert status.problem["category"] == "SERVER_DOWN"
    assert (status.json["store"]["backend"], status.json["store"]["state"]) == ("json", "fallback")
    assert (status.json["store"]["waiting"], status.json["connections"]["total"]) == (1, 2)
    assert "***@127.0.0.1" in json.dumps(status.json)
    (waiting,) = one.run("changes", "list", "--json", code=3).json["waiting"]
    assert (waiting["name"], waiting["kind"]) == ("During", "add")
    assert names(one, 3) == ["Before", "During"]
    retried = one.run("changes", "retry", "--json", code=3).json
    assert (retried["state"], retried["waiting"], retried["problem"]["category"]) == ("fallback", 1, "SERVER_DOWN")
    server.start()
    assert names(one, 0) == ["Before", "During"]
    assert one.run("changes", "list", "--json").json == NOTHING
    assert names(two, 0) == ["Before", "During"]
    assert f"ends in {fields['api_key'][-4:]}" in two.run("connections", "show", "During").out
    canaries = [password, fields["api_key"], fields["api_secret"]]
    assert canaries_in(one.everything_written(), canaries) == []
    assert canaries_in(two.everything_written(), canaries) == []


def test_a_desk_that_only_looked_keeps_the_whole_list(desks: Desks, server: BareServer) -> None:
    one, two = desks.desk("one"), desks.desk("two")
    one.add(**bybit("First"))
    one.add(**bybit("Second"))
    assert names(two, 0) == ["First", "Second"]
    edit(one, "First", note="newer")
    one.run("connections", "remove", "Second")
    two.status()
    server.stop()
    assert names(two, 3) == ["First"]
    assert two.run("connections", "show", "First", "--json", code=3).json["note"] == "newer"
    edit(two, "First", 3, note="newest")
    server.start()
    assert two.run("changes", "list", "--json").json == NOTHING
    assert one.run("connections", "show", "First", "--json").json["note"] == "newest"


def test_a_long_outage(desks: Desks, server: BareServer) -> None:
    one = desks.desk("one")
    one.add(**bybit("Gone later"))
    one.add(**bybit("Edited", note="old"))
    server.kill()
    for number in range(5):
        add_offline(one, name=f"New {number}", exchange="okx")
    edit(one, "New 0", 3, note="edited twice")
    edit(one, "New 0", 3, tags=["a"])
    edit(one, "Edited", 3, note="new")
    one.run("connections", "remove", "Gone later", "New 4", code=3)
    one.run("connections", "disable", "New 1", code=3)
    expected = ["Edited", "New 0", "New 1", "New 2", "New 3"]
    assert names(one, 3) == expected
    server.start()
    assert names(one, 0) == expected
    assert one.run("changes", "--json").json == NOTHING
    two = desks.desk("two")
    assert names(two, 0) == expected
    assert two.run("connections", "show", "Edited", "--json").json["note"] == "new"
    zero = two.run("connections", "show", "New 0", "--json").json
    assert (zero["note"], zero["tags"]) == ("edited twice", ["a"])
    assert two.run("connections", "show", "New 1", "--json").json["enabled"] is False


def test_a_server_that_answers_nothing_holds_no_command_up_for_long(desks: Desks, server: BareServer) -> None:
    one = desks.desk("one")
    one.add(**bybit("Before"))
    server.freeze()
    assert names(one, 3) == ["Before"]
    assert one.run("status", "--json", code=3).problem["category"] == "UNREACHABLE"
    edit(one, "Before", 3, note="while frozen")
    server.thaw()
    assert one.run("connections", "show", "Before", "--json").json["note"] == "while frozen"
    assert one.run("changes", "--json").json == NOTHING


def test_different_fields_merge_and_the_same_field_waits_for_a_person(desks: Desks, server: BareServer) -> None:
    one, two = desks.desk("one"), desks.desk("two")
    one.add(**bybit("Shared", note="base"))
    two.names()
    server.stop()
    edit(one, "Shared", 3, note="mine", tags=["one"])
    server.start()
    edit(two, "Shared", note="theirs", leverage_limit=9)
    listed = one.run("changes", "list", "--json").json
    assert listed["waiting"] == []
    (conflict,) = listed["conflicts"]
    assert (conflict["name"], conflict["fields"]) == ("Shared", ["note"])
    assert [conflict[side]["note"] for side in ("base", "mine", "theirs")] == ["base", "mine", "theirs"]
    shown = two.run("connections", "show", "Shared", "--json").json
    assert (shown["note"], shown["tags"], shown["leverage_limit"]) == ("theirs", ["one"], 9)
    assert [one["id"] for one in two.run("changes", "--json").json["conflicts"]] == [conflict["id"]]
    assert two.run("status", "--json").json["store"]["conflicts"] == 1
    one.run("changes", "resolve", conflict["id"], "--keep", "both", code=2)
    one.run("changes", "resolve", "nothing", "--keep", "mine", code=1)
    one.run("changes", "resolve", conflict["id"], stdin='{"name": "mine"}', code=1)
    one.run("changes", "resolve", conflict["id"], stdin='{"note": "mine"}')
    assert two.run("connections", "show", "Shared", "--json").json["note"] == "mine"
    assert one.run("changes", "--json").json == two.run("changes", "--json").json == NOTHING


def test_credentials_conflict_as_one_and_only_in_words(desks: Desks, server: BareServer) -> None:
    one, two = desks.desk("one"), desks.desk("two")
    one.add(**bybit("Shared"))
    two.names()
    server.stop()
    mine, theirs = make_canary(), make_canary()
    edit(one, "Shared", 3, api_key=mine, api_secret=make_canary())
    server.start()
    edit(two, "Shared", api_key=theirs, api_secret=make_canary())
    said = one.run("changes", "list", "--json")
    (conflict,) = said.json["conflicts"]
    assert {"api_key", "api_secret"} <= set(conflict["fields"])
    assert set(conflict["mine"].values()) | set(conflict["theirs"].values()) <= {"set", "not set", "another value"}
    assert "cts1." not in said.out
    split = {"api_key": "mine", "api_secret": "theirs"}
    one.run("changes", "resolve", "Shared", stdin=json.dumps(split), code=1)
    one.run("changes", "resolve", "Shared", "--keep", "mine")
    assert f"ends in {mine[-4:]}" in two.run("connections", "show", "Shared").out
    for desk in (one, two):
        assert canaries_in(desk.everything_written(), [mine, theirs]) == []


def test_another_database_is_asked_about_and_gets_nothing_by_itself(desks: Desks, server: BareServer) -> None:
    one = desks.desk("one")
    one.add(**bybit("Before"))
    server.stop()
    add_offline(one, **bybit("Waits"))
    server.start()
    one.environment["DATABASE_URL"] = user_with_canary(server, f"outage_{next(_numbers)}", make_canary())
    other = desks.desk("other", DATABASE_URL=one.environment["DATABASE_URL"])
    other.add(**bybit("Of the other"))
    status = one.run("status", "--json", code=3)
    assert status.problem["category"] == "FENCE"
    assert status.json["store"]["waiting"] == 1
    assert other.names() == ["Of the other"]
    assert "--yes" in one.run("changes", "accept-database", "--json", code=1).problem["solution"]
    one.run("changes", "accept-database", "--yes")
    assert "Waits" in names(other, 0)
    assert one.run("changes", "--json").json == NOTHING


def test_a_refused_change_can_be_dropped(desks: Desks, server: BareServer) -> None:
    one = desks.desk("one")
    one.add(**bybit("Before"))
    server.stop()
    edit(one, "Before", 3, leverage_limit=77)
    server.start()
    database = desks.url.rpartition("/")[2]
    server.sql(
        "ALTER TABLE exchange_connections ADD CONSTRAINT no_77 CHECK (leverage_limit IS DISTINCT FROM 77)",
        database=database,
    )
    (refused,) = one.run("changes", "list", "--json").json["rejected"]
    assert (refused["name"], refused["problem"]["category"]) == ("Before", "CONSTRAINT")
    one.run("changes", "resolve", "no-such", "--dismiss", code=1)
    one.run("changes", "resolve", refused["op_id"], "--dismiss")
    assert one.run("changes", "--json").json == NOTHING
    assert one.run("connections", "show", "Before", "--json").json["leverage_limit"] is None


def test_every_command_has_an_answer_while_the_server_is_down(desks: Desks, server: BareServer, tmp_path: Path) -> None:
    one = desks.desk("one")
    one.add(**bybit("Before"))
    one.add(name="Gone", exchange="okx")
    one.run("connections", "remove", "Gone")
    server.stop()
    file = tmp_path / "in.json"
    file.write_text(json.dumps([{"name": f"Imported {number}", "exchange": "okx"} for number in range(3)]))
    assert one.run("import", str(file), "--dry-run", "--json", code=3).json["added"] == 3
    assert one.run("import", str(file), "--json", code=3).json["added"] == 3
    assert one.run("connections", "duplicate", "Before", "--json", code=3).json["api_key_set"]
    one.run("connections", "restore", "Gone", code=3)
    one.run("connections", "deleted", code=3)
    one.run("connections", "disable", "Imported 0", code=3)
    assert one.run("export", str(tmp_path / "out.json"), "--json", code=3).json["connections"] == 6
    for words in ("vault", "legacy", "backup list", "changes", "database"):
        assert one.run(*words.split(), code=3).out
    for words in ("health", "migrations", "migrations apply", "backup make", "move sqlite --yes", "vault rotate --yes"):
        ran = one.run(*words.split(), "--json", code=1)
        assert ran.problem["category"] not in {"BUG", "UNKNOWN"}, words
        assert ran.problem["solution"], words
    one.run("prepare")
    server.start()
    assert names(one, 0) == ["Before", "Before copy", "Gone", "Imported 0", "Imported 1", "Imported 2"]
    assert one.run("changes", "--json").json == NOTHING


def test_a_window_that_holds_the_folder_does_not_keep_a_command_from_reading(
    desks: Desks, server: BareServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    import main

    one = desks.desk("one")
    one.add(**bybit("Before"))
    for word in ("DATABASE_URL", "CTS_PASSPHRASE_FILE"):
        monkeypatch.setenv(word, one.environment[word])
    window = main.build_core(main.Arguments(str(one.folder)))
    window.startup.run()
    try:
        assert one.run("connections", "list", "--json").json[0]["name"] == "Before"
        assert one.run("connections", "add", "--json", stdin="{}", code=1).problem["category"] == "IN_USE"
        server.stop()
        window.connections.add({"name": "By the window", "exchange": "okx"})
        assert names(one, 3) == ["Before", "By the window"]
        assert one.run("connections", "remove", "Before", "--json", code=1).problem["category"] == "IN_USE"
        server.start()
        window.changes.retry_now()
        wait_until(lambda: window.startup.store.state == "online", 30)
        assert names(one, 0) == ["Before", "By the window"]
    finally:
        window.startup.close()
        window.log.close()
