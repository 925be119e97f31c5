"""Desks on one PostgreSQL, as processes: the first migrates, all see the same, and nobody's password is written."""

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.bare_postgres import BareServer
from tests.canary import canaries_in, make_canary
from tests.e2e.desks import Desks, at_once, refused_logins, user_with_canary
from tests.e2e.program import Program

_numbers = count(1)


@pytest.fixture
def password() -> str:
    return make_canary(awkward=True)


@pytest.fixture
def desks(postgres_server: BareServer, tmp_path: Path, password: str) -> Iterator[Desks]:
    name = f"desk_{next(_numbers)}"
    yield Desks(tmp_path, user_with_canary(postgres_server, name, password))
    postgres_server.sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', f'DROP ROLE "{name}"')


def bybit(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "exchange": "bybit", "api_key": make_canary(), "api_secret": make_canary(), **fields}


def test_the_first_desk_migrates_and_the_second_sees_what_it_wrote(desks: Desks, password: str) -> None:
    one, two = desks.desk("one"), desks.desk("two")
    status = one.status()
    assert (status["store"]["backend"], status["store"]["state"]) == ("postgresql", "online")
    assert "***@127.0.0.1" in status["store"]["location"]
    assert status["store"]["problem"] is None
    assert (status["store"]["waiting"], status["store"]["rejected"], status["store"]["conflicts"]) == (0, 0, 0)
    assert status["migrations"]["applied"] == status["migrations"]["total"] >= 7
    assert status["health"]["role"] == "primary"
    assert status["health"]["server_version"]
    assert status["health"]["latency_p50_ms"] > 0
    fields = bybit("Bybit main", tags=["eu"], note="shared")
    one.add(**fields)
    shown = two.run("connections", "show", "Bybit main", "--json").json
    assert (shown["tags"], shown["note"], shown["api_secret_set"]) == (["eu"], "shared", True)
    assert f"ends in {fields['api_key'][-4:]}" in two.run("connections", "show", "Bybit main").out
    two.run("connections", "edit", "Bybit main", stdin='{"note": "from two"}')
    assert one.run("connections", "show", "Bybit main", "--json").json["note"] == "from two"
    assert not (one.folder / "cts.db").exists()
    for desk in (one, two):
        canaries = [password, fields["api_key"], fields["api_secret"]]
        assert canaries_in(desk.everything_written(), canaries) == []


def test_two_desks_start_on_an_empty_database_at_once(desks: Desks) -> None:
    both = [desks.desk("one"), desks.desk("two")]
    at_once(
        *(desk.command("connections", "add") for desk in both),
        environments=[desk.environment for desk in both],
        inputs=[json.dumps(bybit(f"From {number}")).encode() for number in (1, 2)],
    )
    for desk in both:
        assert sorted(desk.names()) == ["From 1", "From 2"]
        assert desk.run("changes", "--json").json == {"waiting": [], "rejected": [], "conflicts": []}


def test_two_desks_write_at_once(desks: Desks) -> None:
    one, two = desks.desk("one"), desks.desk("two")
    one.add(**bybit("Shared"))
    two.names()
    edits = [(one, {"note": "from one"}), (two, {"leverage_limit": 7})]
    at_once(
        *(desk.command("connections", "edit", "Shared") for desk, _ in edits),
        environments=[desk.environment for desk, _ in edits],
        inputs=[json.dumps(fields).encode() for _, fields in edits],
    )
    shown = one.run("connections", "show", "Shared", "--json").json
    assert (shown["note"], shown["leverage_limit"], shown["revision"]) == ("from one", 7, 3)
    assert two.run("connections", "show", "Shared", "--json").json == shown


def test_a_wrong_password_is_tried_once_and_the_work_goes_on(
    desks: Desks, postgres_server: BareServer, password: str
) -> None:
    wrong = make_canary(awkward=True)
    desk = desks.desk("one", DATABASE_URL=postgres_server.url("postgres", password=wrong))
    before = refused_logins(postgres_server)
    status = desk.run("status", "--json", code=3)
    assert refused_logins(postgres_server) == before + 1
    assert (status.json["store"]["backend"], status.json["store"]["state"]) == ("json", "fallback")
    assert status.json["store"]["problem"]["category"] == status.problem["category"] == "AUTH"
    added = desk.run("connections", "add", "--json", stdin=json.dumps({"name": "Kept", "exchange": "okx"}), code=3)
    assert (added.json["name"], added.problem["category"]) == ("Kept", "AUTH")
    assert refused_logins(postgres_server) == before + 2
    assert canaries_in(desk.everything_written(), [wrong, password]) == []


@pytest.mark.parametrize(
    "url", ["postgresql://u:{}@h:port/db", "postgresql://u:{}@h", "mysql://u:{}@h/db", "{}", "postgresql://u:{}@[::1/d"]
)
def test_a_malformed_url_is_said_and_no_other_database_is_opened(program: Program, url: str) -> None:
    canary = make_canary()
    program.environment["DATABASE_URL"] = url.format(canary)
    status = program.run("status", "--json", code=3)
    assert (status.json["store"]["backend"], status.json["store"]["state"]) == ("json", "fallback")
    assert status.json["store"]["problem"]["category"] == status.problem["category"] == "CONFIG"
    program.run("connections", "add", stdin='{"name": "A", "exchange": "bybit"}', code=3)
    assert [one["name"] for one in program.run("connections", "list", "--json", code=3).json] == ["A"]
    assert not (program.folder / "cts.db").exists()
    assert program.run("prepare", "--json", code=1).problem["category"] == "CONFIG"
    assert canaries_in(program.everything_written(), [canary]) == []


def test_the_json_store_is_used_where_it_is_asked_for(desks: Desks) -> None:
    desk = desks.desk("one", USE_FILE_STORAGE="true")
    status = desk.status()
    assert (status["store"]["backend"], status["store"]["state"], status["store"]["problem"]) == (
        "json",
        "online",
        None,
    )
    desk.add(**bybit("On files"))
    assert desk.names() == ["On files"]
    assert desk.status()["store"]["waiting"] == 1
    del desk.environment["USE_FILE_STORAGE"]
    assert desk.names() == ["On files"]
    assert desk.status()["store"]["waiting"] == 0
    assert desks.desk("two").names() == ["On files"]


def test_the_json_store_alone_needs_no_database(program: Program) -> None:
    program.environment["USE_FILE_STORAGE"] = "1"
    added = program.add(**bybit("A", exchange="okx", api_passphrase="words"))
    program.run("connections", "edit", "A", stdin='{"note": "n"}')
    program.run("connections", "duplicate", "A")
    program.run("connections", "remove", "A")
    assert len(program.names()) == 1
    program.run("connections", "restore", "A")
    shown = program.run("connections", "show", added["id"], "--json").json
    assert (shown["note"], shown["api_passphrase_set"]) == ("n", True)
    assert not (program.folder / "cts.db").exists()
    assert program.run("migrations", "--json", code=None).code in {0, 1}


def test_the_settings_name_a_database(desks: Desks, postgres_server: BareServer, password: str) -> None:
    from storage.postgresql.address import parse_address

    address = parse_address(desks.url)
    given = {"host": "127.0.0.1", "port": postgres_server.port, "database": address.database, "user": address.user}
    desk = desks.desk("one", DATABASE_URL="")
    desk.add(name="On SQLite", exchange="bybit")
    tried = desk.run("database", "test", "--json", stdin=json.dumps({**given, "password": password})).json
    assert (tried["problem"], tried["connections"]) == (None, None)
    wrong = desk.run("database", "test", "--json", stdin=json.dumps({**given, "password": "x"}), code=1)
    assert wrong.problem["category"] == "AUTH"
    saved = desk.run("database", "set", "--json", stdin=json.dumps({**given, "password": password})).json
    assert (saved["source"], saved["password_set"]) == ("settings", True)
    status = desk.status()
    assert (status["store"]["backend"], status["store"]["state"]) == ("postgresql", "online")
    assert password not in (desk.folder / "settings.json").read_text()
    desk.run("database", "clear")
    assert desk.names() == ["On SQLite"]
    assert canaries_in(desk.everything_written(), [password]) == []
