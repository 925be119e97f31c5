"""A change with credentials waits for the vault of a shared database; everything else goes past it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from models.event import Notice
from models.problem import Category
from models.secret import SealedSecret, Secret
from models.status import StoreState
from services.commands.changes import as_json
from storage.migrator.runner import Migrator
from tests.bare_postgres import BareServer
from tests.canary import make_canary
from tests.cheap_passphrases import make_cheap
from tests.databases import connect
from tests.desks import Desk, Office
from tests.store_kit import MIGRATIONS

KEYS = {"api_key": "k" * 18, "api_secret": make_canary()[:36]}


class Apart(Desk):
    """A desktop that has not seen the server yet."""

    reachable = False

    def mend(self) -> None:
        if self.reachable:
            super().mend()


@pytest.fixture
def office(postgres_server: BareServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    make_cheap(monkeypatch)
    postgres_server.sql("CREATE DATABASE vault_template")
    raw = connect(postgres_server.url("vault_template"))
    Migrator(raw, MIGRATIONS, backup=lambda: None).apply()
    raw.close()
    opened = Office(postgres_server, tmp_path, "vault_template")
    yield opened
    opened.close()
    postgres_server.sql("DROP DATABASE vault_template WITH (FORCE)")


def apart(office: Office) -> Desk:
    """Return a second desktop that worked alone, with a vault of its own, and now sees the server for the first time.

    It has made a connection with credentials and edited it, and made two without.
    """
    desk = Apart(office, "apart", {"passphrase": lambda: None})
    office.desks.append(desk)
    assert desk.kit.state() is StoreState.FALLBACK
    desk.kit.connections.add({"name": "Sealed", "exchange": "bybit", **KEYS})
    desk.kit.add("Plain")
    desk.kit.connections.edit(desk.kit.connections.find("Sealed").id, {"note": "later than the keys"})
    desk.kit.add("Last")
    desk.reachable = True
    desk.mend()
    desk.settle()
    return desk


def poll(desk: Desk) -> None:
    """Let it look at the vault, which it does every two seconds."""
    desk.kit.store._machine._next_try = 0.0
    desk.kit.store.poll()


def names(desk: Desk) -> list[str]:
    return desk.kit.names()


def test_everything_else_goes_and_the_cause_is_shown(office: Office) -> None:
    first = office.desk()
    first.kit.connections.add({"name": "Here", "exchange": "bybit", **KEYS})
    desk = apart(office)
    status = desk.kit.store.status
    assert (status.state, status.waiting, status.rejected) == (StoreState.ONLINE, 2, 0)
    assert status.problem is not None
    assert status.problem.category is Category.LOCKED
    assert "every other change is sent" in status.problem.text
    assert names(desk) == ["Here", "Last", "Plain"]
    first.settle()
    assert names(first) == names(desk)
    waiting = desk.kit.store.changes().waiting
    assert [(each.name, each.kind) for each in waiting] == [("Sealed", "add"), ("Sealed", "edit")]
    assert {each.problem for each in waiting} == {status.problem}
    shown = as_json(desk.kit.store.changes())["waiting"]
    assert {each["problem"]["category"] for each in shown} == {"LOCKED"}
    # Work goes on around it, and a restart keeps it.
    desk.kit.add("New")
    desk.crash()
    desk.settle()
    assert desk.kit.store.status.waiting == 2
    assert names(desk) == ["Here", "Last", "New", "Plain"]
    desk.kit.heard.clear()
    desk.kit.vault.unlock(Secret("a few shared words"))
    poll(desk)
    assert (desk.kit.state(), desk.kit.store.status.waiting) == (StoreState.ONLINE, 0)
    assert desk.kit.store.status.problem is None
    assert any("2 changes were sent" in each.text for each in desk.kit.heard if isinstance(each, Notice))
    first.settle()
    sealed = first.kit.connections.find("Sealed")
    assert sealed.note == "later than the keys"
    assert isinstance(sealed.api_key, SealedSecret)
    assert first.kit.vault.open_secret(sealed.id, "api_key", sealed.api_key) == Secret(KEYS["api_key"])


def test_a_database_without_a_passphrase_holds_only_credentials_back(office: Office) -> None:
    desk = apart(office)
    status = desk.kit.store.status
    assert (status.state, status.waiting) == (StoreState.ONLINE, 2)
    assert status.problem is not None
    assert status.problem.category is Category.PASSPHRASE
    assert names(desk) == ["Last", "Plain"]
    # A passphrase that another desktop sets is noticed, and asked for.
    other = office.desk()
    poll(desk)
    assert desk.kit.store.status.waiting == 2
    desk.kit.vault.unlock(Secret("a few shared words"))
    poll(desk)
    assert desk.kit.store.status.waiting == 0
    other.settle()
    assert names(other) == ["Last", "Plain", "Sealed"]
