"""From SQLite to PostgreSQL and back, backups and health, by the commands: nothing is lost, no password shows."""

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.bare_postgres import BareServer
from tests.canary import canaries_in, make_canary
from tests.e2e.desks import Desks, user_with_canary
from tests.e2e.program import Program

_numbers = count(1)


@pytest.fixture
def password() -> str:
    return make_canary(awkward=True, written=True)


@pytest.fixture
def desks(postgres_server: BareServer, tmp_path: Path, password: str) -> Iterator[Desks]:
    name = f"moving_{next(_numbers)}"
    yield Desks(tmp_path, user_with_canary(postgres_server, name, password))
    postgres_server.sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', f'DROP ROLE "{name}"')


def bybit(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "exchange": "bybit", "api_key": make_canary(), "api_secret": make_canary(), **fields}


def target(desks: Desks) -> str:
    file = desks.folder / "target"
    file.write_text(desks.url + "\n", encoding="utf-8")
    return str(file)


def shown(desk: Program, name: str) -> dict[str, Any]:
    found: dict[str, Any] = desk.run("connections", "show", name, "--json").json
    return found


def test_there_and_back(desks: Desks, password: str) -> None:
    desk = desks.desk("one", DATABASE_URL="")
    desk.run("vault", "set-passphrase", "--file", str(desks.passphrase_file))
    fields = bybit("One", tags=["a"], note="n")
    desk.add(**fields)
    desk.add(name="Two", exchange="okx")
    before = shown(desk, "One")
    preview = desk.run("move", "postgresql", "--to-url-file", target(desks), "--json").json
    assert (preview["done"], preview["connections"], preview["problem"]) == (False, 2, None)
    assert desk.status()["store"]["backend"] == "sqlite"
    moved = desk.run("move", "postgresql", "--to-url-file", target(desks), "--yes", "--json").json
    assert (moved["done"], moved["connections"], moved["switched"]) == (True, 2, True)
    status = desk.status()
    assert (status["store"]["backend"], status["store"]["state"]) == ("postgresql", "online")
    after = shown(desk, "One")
    assert {**after, "revision": 0, "updated_at": ""} == {**before, "revision": 0, "updated_at": ""}
    assert f"ends in {fields['api_key'][-4:]}" in desk.run("connections", "show", "One").out
    other = desks.desk("other")
    assert sorted(other.names()) == ["One", "Two"]
    assert f"ends in {fields['api_key'][-4:]}" in other.run("connections", "show", "One").out
    desk.run("connections", "edit", "Two", stdin='{"note": "on the server"}')
    assert desk.run("move", "sqlite", "--json").json["done"] is False
    assert desk.run("move", "sqlite", "--yes", "--json").json["switched"] is True
    assert desk.status()["store"]["backend"] == "sqlite"
    assert sorted(desk.names()) == ["One", "Two"]
    assert shown(desk, "Two")["note"] == "on the server"
    assert f"ends in {fields['api_key'][-4:]}" in desk.run("connections", "show", "One").out
    for one in (desk, other):
        assert canaries_in(one.everything_written(), [password, fields["api_key"], fields["api_secret"]]) == []


@pytest.mark.parametrize(
    ("given", "category"),
    [
        (b"", "INVALID"),
        (b"two words", "INVALID"),
        (b"postgresql://u:{}@h:x/db", "CONFIG"),
        (b'{"host": "h"}', "INVALID"),
        (b'{"host": "127.0.0.1", "port": 1, "user": "u", "database": "d", "password": "{}"}', "SERVER_DOWN"),
        (b"{", "BAD_FILE"),
        (b"\xff\xfe", "BAD_FILE"),
    ],
)
def test_a_target_that_is_none_changes_nothing(program: Program, given: bytes, category: str) -> None:
    canary = make_canary()
    program.add(name="One", exchange="okx")
    ran = program.run("move", "postgresql", "--yes", "--json", stdin=given.replace(b"{}", canary.encode()), code=1)
    assert ran.problem["category"] == category
    assert program.status()["store"]["backend"] == "sqlite"
    assert program.names() == ["One"]
    assert canaries_in(program.everything_written(), [canary]) == []


def test_a_database_in_use_is_not_moved_into(desks: Desks) -> None:
    desks.desk("other").add(**bybit("Of another"))
    desk = desks.desk("one", DATABASE_URL="")
    desk.add(name="Mine", exchange="okx")
    assert desk.run("move", "postgresql", "--to-url-file", target(desks), "--json", code=1).problem is not None
    desk.run("move", "postgresql", "--to-url-file", target(desks), "--yes", "--json", code=1)
    assert desk.names() == ["Mine"]
    assert desks.desk("other").names() == ["Of another"]


def test_a_url_on_the_command_line_is_refused_and_not_repeated(program: Program) -> None:
    canary = make_canary()
    program.run("move", "postgresql", f"postgresql://u:{canary}@h/db", code=2)
    program.run("move", f"postgresql://u:{canary}@h/db", code=2)
    assert canaries_in(program.everything_written(), [canary]) == []


def test_a_backup_of_the_server_comes_back(desks: Desks) -> None:
    desk = desks.desk("one")
    fields = bybit("Kept")
    desk.add(**fields)
    made = desk.run("backup", "make", "--json").json
    assert made["connections"] == 1
    assert made["path"] in [one["path"] for one in desk.run("backup", "list", "--json").json]
    desk.run("connections", "remove", "Kept")
    desk.add(name="Later", exchange="okx")
    assert desk.run("restore", Path(made["path"]).name, "--json", code=1).problem["solution"]
    assert desk.run("restore", Path(made["path"]).name, "--yes", "--json").json["connections"] == 1
    assert desk.names() == ["Kept"]
    assert f"ends in {fields['api_key'][-4:]}" in desk.run("connections", "show", "Kept").out
    assert desks.desk("two").names() == ["Kept"]


def test_health_of_either_database(desks: Desks, tmp_path: Path) -> None:
    server = desks.desk("one").run("health", "--json").json
    assert server["role"] == "primary"
    assert 0 < server["latency_p50_ms"] <= server["latency_p95_ms"]
    assert 0 < server["connections_used"] <= server["connections_max"]
    file = Program(tmp_path / "file")
    mine = file.run("health", "--json").json
    assert (mine["role"], mine["integrity"], mine["waiting"]) == ("embedded", "ok", 0)
    assert "Latency" in file.run("health").out
    desk = desks.desk("away", DATABASE_URL="postgresql://u@127.0.0.1:1/d")
    assert desk.run("health", "--json", code=1).problem["category"] == "SERVER_DOWN"
    assert json.loads(desk.run("status", "--json", code=3).out)["health"] is None
