"""A real store in a folder of its own: the real vault, the real migrations, the real SQLite file."""

import contextlib
import tempfile
import uuid
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from models.connection import Connection
from models.connection_rules import validate
from models.event import Event
from models.problem import Problem
from models.secret import SealedSecret, Secret
from models.status import StartupStep, StoreState
from services.connections import ConnectionService
from services.events import Events
from storage.data_folder import DataFolder, prepare
from storage.database import Database
from storage.migrator.runner import Migrator
from storage.store import Store
from storage.vault import Vault

MIGRATIONS = Path(__file__).parent.parent / "migrations"


@cache
def migrated_database() -> bytes:
    """Return a database as the migrations make it: made once, because every test that begins with one would wait."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cts.db"
        database = Database.open_sqlite(path)
        Migrator(database, MIGRATIONS, backup=lambda: None).apply()
        database.close()
        return path.read_bytes()


class Kit:
    """A store with what surrounds it. `steps` and `heard` collect what it said.

    A folder that is not there yet begins with a migrated database, or with nothing at all (`fresh`).
    """

    def __init__(
        self,
        root: Path,
        *,
        fresh: bool = False,
        patience: float = 0.4,
        held: Problem | None = None,
        device: str = "desk-1",
        migrations: Path = MIGRATIONS,
        passphrase: Callable[[], Secret | None] | None = None,
        **options: Any,
    ) -> None:
        begins = not root.exists() and not fresh
        self.folder: DataFolder = prepare(root)
        if begins:
            self.folder.database.write_bytes(migrated_database())
        self.steps: list[StartupStep] = []
        self.heard: list[Event] = []
        self.vault = Vault.open(self.folder, passphrase=passphrase, environment={}, writable=self.folder.writable)
        events = Events()
        events.subscribe(self.heard.append)
        self.store = Store(
            self.folder,
            self.vault,
            migrations,
            publish=events.publish,
            device=device,
            patience=patience,
            **{"watch": False, **options},
        )
        self.store.open(self.steps.append, read_only_because=held)
        self.connections = ConnectionService(self.store, self.vault, events)

    @property
    def problem(self) -> Problem | None:
        return self.store.status.problem

    def state(self) -> StoreState:
        return self.store.status.state

    def names(self) -> list[str]:
        return [row.name for row in self.store.repository.rows()]

    def add(self, *names: str) -> None:
        for name in names:
            self.connections.add({"name": name, "exchange": "bybit"})


@contextlib.contextmanager
def open_kit(root: Path, **options: Any) -> Iterator[Kit]:
    kit = Kit(root, **options)
    try:
        yield kit
    finally:
        kit.store.close()


def a_connection(name: str = "Main", **fields: Any) -> Connection:
    """Return a connection with sealed-looking credentials, as a repository takes it."""
    given = {"name": name, "exchange": "bybit", **fields}
    given.setdefault("api_key", SealedSecret(f"cts1.test.{uuid.uuid4().hex}"))
    given.setdefault("api_secret", SealedSecret(f"cts1.test.{uuid.uuid4().hex}"))
    return validate(given)
