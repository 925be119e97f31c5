"""One vault for all desktops on one PostgreSQL: two data folders, two keyrings or none, a real server between."""

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from models.connection import CREDENTIALS
from models.problem import Category, CtsError, Problem, VaultError
from models.secret import SealedSecret, Secret
from storage.data_folder import DataFolder
from storage.key_holders import SystemKeyring
from storage.migrator.runner import Migrator
from storage.operations import Kind, Operation
from storage.postgresql.address import parse_address
from storage.postgresql.database import PostgresDatabase
from storage.shared_vault import join, reseal
from storage.vault import Vault
from storage.vault_file import read_vault
from tests.canary import canaries_in, make_canary
from tests.cheap_passphrases import make_cheap
from tests.databases import MIGRATIONS, connect
from tests.keyrings import FileKeyring, RefusingKeyring, only

ID = "0b5cc6a1-6d4c-4b8e-9f2c-1f8f0e6f2a11"
WORDS = Secret("correct horse battery")


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    make_cheap(monkeypatch)


@pytest.fixture
def server(postgres_url: str) -> Iterator[PostgresDatabase]:
    database = PostgresDatabase.open(parse_address(postgres_url))
    Migrator(database, MIGRATIONS, backup=lambda: None).apply()
    yield database
    database.close()


class Desk:
    """A desktop's data folder and its vault, opened anew by `start`."""

    def __init__(
        self, root: Path, keyring: SystemKeyring | None = None, environment: Mapping[str, str] | None = None
    ) -> None:
        root.mkdir()
        self.folder = DataFolder(root)
        self.keyring = keyring or only()
        self.environment = environment or {}
        self.vault = self.start()

    def start(self) -> Vault:
        self.vault = Vault.open(
            self.folder, passphrase=None, environment=self.environment, writable=True, keyring=self.keyring
        )
        return self.vault

    def seal(self, text: str) -> SealedSecret:
        return self.vault.seal(ID, "api_key", Secret(text))

    def read(self, token: SealedSecret) -> str:
        return self.vault.open_secret(ID, "api_key", token).reveal()


def test_a_shared_database_needs_a_passphrase_before_the_first_credential(
    tmp_path: Path, server: PostgresDatabase
) -> None:
    desk = Desk(tmp_path / "one")
    before = desk.seal("from before")
    assert join(server, desk.vault) is None
    with pytest.raises(VaultError) as refused:
        desk.seal("the first")
    assert refused.value.problem.category is Category.PASSPHRASE
    with pytest.raises(VaultError):
        desk.vault.renew(ID, "api_key", before)
    desk.vault.set_passphrase(WORDS)
    assert desk.vault.sharing.refusal is None
    assert desk.read(desk.seal("the first")) == "the first"
    assert not desk.folder.vault_key.exists()
    assert desk.vault.status.holder == "passphrase"


def test_another_desktop_joins_by_typing_the_passphrase_once(tmp_path: Path, server: PostgresDatabase) -> None:
    one = Desk(tmp_path / "one", only(FileKeyring(tmp_path / "keyring-1")))
    one.vault.set_passphrase(WORDS)
    assert join(server, one.vault) is None
    token = one.seal("shared")
    two = Desk(tmp_path / "two", only(FileKeyring(tmp_path / "keyring-2")))
    local = two.seal("only here")
    problem = join(server, two.vault)
    assert problem is not None
    assert problem.category is Category.LOCKED
    assert two.vault.load().locked
    assert two.read(local) == "only here"
    with pytest.raises(VaultError):
        two.seal("not yet")
    with pytest.raises(VaultError):
        two.vault.unlock(Secret("something else"))
    two.vault.unlock(WORDS)
    assert two.read(token) == "shared"
    assert one.read(two.seal("back")) == "back"
    # The next start asks nobody, with the server or without it; what this desktop sealed before still opens.
    two.start()
    assert two.read(token) == "shared"
    assert join(server, two.vault) is None
    assert two.read(local) == "only here"


def test_without_a_keyring_a_joined_desktop_asks_at_every_start(tmp_path: Path, server: PostgresDatabase) -> None:
    one = Desk(tmp_path / "one")
    one.vault.set_passphrase(WORDS)
    join(server, one.vault)
    token = one.seal("shared")
    two = Desk(tmp_path / "two", only(RefusingKeyring(tmp_path / "keyring")))
    local = two.seal("only here")
    join(server, two.vault)
    two.vault.unlock(WORDS)
    two.start()
    assert two.read(local) == "only here"
    with pytest.raises(VaultError):
        two.read(token)
    two.vault.unlock(WORDS)
    assert two.read(token) == "shared"
    with pytest.raises(VaultError, match="not kept in clear"):
        two.vault.hold_by("file")


def test_the_passphrase_file_makes_and_joins(tmp_path: Path, server: PostgresDatabase) -> None:
    (tmp_path / "words").write_text(WORDS.reveal())
    named = {"CTS_PASSPHRASE_FILE": str(tmp_path / "words")}
    one = Desk(tmp_path / "one")
    one.environment = named
    one.start()
    assert join(server, one.vault) is None
    two = Desk(tmp_path / "two", environment=named)
    assert join(server, two.vault) is None
    assert two.read(one.seal("headless")) == "headless"
    assert not one.folder.vault_key.exists()


def test_changes_go_both_ways(tmp_path: Path, server: PostgresDatabase) -> None:
    one, two = Desk(tmp_path / "one"), Desk(tmp_path / "two")
    one.vault.set_passphrase(WORDS)
    join(server, one.vault)
    join(server, two.vault)
    two.vault.unlock(WORDS)
    old = one.seal("old")
    two.vault.begin_rotation()
    new = two.seal("new")
    join(server, one.vault)
    assert one.read(new) == "new"
    renewed = one.vault.renew(ID, "api_key", old)
    assert renewed == two.vault.renew(ID, "api_key", old) != old
    two.vault.finish_rotation({new.split(".")[1]})
    two.vault.set_passphrase(Secret("a new passphrase"))
    join(server, one.vault)
    # What another desktop retired is still known here: something sealed with it may wait in a file.
    assert one.read(old) == "old"
    three = Desk(tmp_path / "three")
    join(server, three.vault)
    with pytest.raises(VaultError):
        three.vault.unlock(WORDS)
    three.vault.unlock(Secret("a new passphrase"))
    assert three.read(renewed) == "old"
    with pytest.raises(VaultError):
        three.read(old)


def test_a_change_that_others_made_first_is_seen_and_not_overwritten(tmp_path: Path, server: PostgresDatabase) -> None:
    one, two = Desk(tmp_path / "one"), Desk(tmp_path / "two")
    one.vault.set_passphrase(WORDS)
    join(server, one.vault)
    join(server, two.vault)
    two.vault.unlock(WORDS)
    one.vault.set_passphrase(Secret("the first to come"))
    with pytest.raises(VaultError) as late:
        two.vault.set_passphrase(Secret("the second to come"))
    assert late.value.problem.category is Category.CONFLICT
    three = Desk(tmp_path / "three")
    join(server, three.vault)
    three.vault.unlock(Secret("the first to come"))
    assert three.read(two.seal("still one vault")) == "still one vault"


def test_what_was_changed_while_the_database_was_away_follows(tmp_path: Path, server: PostgresDatabase) -> None:
    one, two = Desk(tmp_path / "one"), Desk(tmp_path / "two")
    one.vault.set_passphrase(WORDS)
    join(server, one.vault)
    one.start()
    one.vault.unlock(WORDS)
    one.vault.set_passphrase(Secret("changed at home"))
    assert join(server, one.vault) is None
    join(server, two.vault)
    two.vault.unlock(Secret("changed at home"))
    assert two.read(one.seal("x")) == "x"


def test_nothing_changes_while_a_shared_vault_cannot_be_reached(tmp_path: Path, server: PostgresDatabase) -> None:
    one = Desk(tmp_path / "one")
    one.vault.set_passphrase(WORDS)
    join(server, one.vault)
    before = one.folder.vault.read_bytes()
    server.close()
    with pytest.raises(VaultError, match="shared through the database"):
        one.vault.set_passphrase(Secret("not now"))
    assert one.folder.vault.read_bytes() == before


def test_two_desktops_that_begin_at_once_end_with_one_vault(tmp_path: Path, postgres_url: str) -> None:
    address = parse_address(postgres_url)
    servers = [PostgresDatabase.open(address) for _ in range(4)]
    Migrator(servers[0], MIGRATIONS, backup=lambda: None).apply()
    (tmp_path / "words").write_text(WORDS.reveal())
    named = {"CTS_PASSPHRASE_FILE": str(tmp_path / "words")}
    desks = [Desk(tmp_path / f"desk-{n}", environment=named) for n in range(4)]
    barrier = threading.Barrier(4)

    def begin(server: PostgresDatabase, desk: Desk) -> Problem | None:
        barrier.wait()
        return join(server, desk.vault)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(begin, servers, desks)) == [None] * 4
    tokens = [desk.seal(f"of {number}") for number, desk in enumerate(desks)]
    for desk in desks:
        assert [desk.read(token) for token in tokens] == [f"of {number}" for number in range(4)]
    assert len({desk.vault.key_ids for desk in desks}) == 1
    for server in servers:
        server.close()


def test_a_waiting_operation_is_sealed_anew_for_the_database_that_gets_it(
    tmp_path: Path, server: PostgresDatabase
) -> None:
    one, two = Desk(tmp_path / "one"), Desk(tmp_path / "two")
    one.vault.set_passphrase(WORDS)
    join(server, one.vault)
    values = {name: two.vault.seal(ID, name, Secret(f"the {name}")) for name in CREDENTIALS[:2]}
    waiting = Operation("two", 1, ID, Kind.ADD, changes={**values, "api_passphrase": None, "name": "Main"})
    join(server, two.vault)
    with pytest.raises(VaultError) as locked:
        reseal(waiting, two.vault)
    assert locked.value.problem.category is Category.LOCKED
    two.vault.unlock(WORDS)
    sent = reseal(waiting, two.vault)
    assert sent.op_id == waiting.op_id
    assert sent.changes["name"] == "Main"
    assert sent.changes["api_passphrase"] is None
    for name in CREDENTIALS[:2]:
        assert one.vault.open_secret(ID, name, sent.changes[name]).reveal() == f"the {name}"
    assert reseal(sent, two.vault) is sent
    assert reseal(waiting, two.vault) == sent


def test_a_header_that_was_tampered_with_seals_nothing(tmp_path: Path, server: PostgresDatabase) -> None:
    one, two = Desk(tmp_path / "one"), Desk(tmp_path / "two")
    one.vault.set_passphrase(WORDS)
    join(server, one.vault)
    token = one.seal("x")
    with server.write() as statements:
        statements.execute(
            "UPDATE vault_keys SET content = replace(content, '\"memory_kib\": 64', '\"memory_kib\": 8')"
        )
    for desk in (one, two):
        problem = join(server, desk.vault)
        assert problem is not None
        assert "damaged" in problem.text
        with pytest.raises(VaultError):
            desk.seal("y")
    assert one.read(token) == "x"


def test_a_strangers_header_cannot_take_over_what_is_sealed_next(tmp_path: Path, server: PostgresDatabase) -> None:
    one, stranger = Desk(tmp_path / "one"), Desk(tmp_path / "stranger")
    stranger.vault.set_passphrase(Secret("the stranger's own"))
    join(server, stranger.vault)
    one.vault.set_passphrase(WORDS)
    assert join(server, one.vault) is not None
    with pytest.raises(CtsError):
        one.vault.unlock(WORDS)
    with pytest.raises(VaultError):
        one.seal("mine")


def test_no_key_and_no_passphrase_is_in_the_database(
    tmp_path: Path, server: PostgresDatabase, postgres_url: str
) -> None:
    canary = make_canary()
    one = Desk(tmp_path / "one", only(FileKeyring(tmp_path / "keyring")))
    one.vault.set_passphrase(Secret(canary))
    join(server, one.vault)
    one.seal("x")
    key = next(iter(FileKeyring(tmp_path / "keyring").entries().values()))
    data_key = key.split('"data_key": "')[1].split('"')[0]
    database = connect(postgres_url)
    everything = "\n".join(str(row) for table in database.tables() for row in database.rows(f"TABLE {table}"))
    database.close()
    assert "passphrase" in everything
    assert not canaries_in(everything.encode(), [canary, data_key])
    assert read_vault(one.folder.vault).version == 1


def test_a_desktop_that_may_not_write_reads_what_is_shared(tmp_path: Path, server: PostgresDatabase) -> None:
    one, two = Desk(tmp_path / "one"), Desk(tmp_path / "two")
    one.vault.set_passphrase(WORDS)
    join(server, one.vault)
    before = two.folder.vault.read_bytes()
    watching = Vault.open(two.folder, passphrase=lambda: WORDS, environment={}, writable=False, keyring=only())
    assert join(server, watching) is None
    assert watching.open_secret(ID, "api_key", one.seal("x")).reveal() == "x"
    assert two.folder.vault.read_bytes() == before
