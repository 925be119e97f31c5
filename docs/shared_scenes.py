# ruff: noqa: INP001 - a script, not a package
"""The screenshots of a shared database: its form, its health, the time when it is away, and a conflict after it."""

import asyncio
import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import demo_folder

if TYPE_CHECKING:
    from make_screenshots import Studio

    from gui.database.page import DatabasePage
    from tests.bare_postgres import BareServer

_LOOKS = ("light", "dark")
_USER, _DATABASE = "desk", "cts"
_EDITED = "OKX hedge"


@contextlib.contextmanager
def shared_database() -> "Iterator[BareServer]":
    """A server of our own, named in DATABASE_URL as a desk would name its own."""
    from tests.bare_postgres import PASSWORD, BareServer

    server = BareServer()
    with tempfile.TemporaryDirectory(prefix="cts-") as temporary:
        passphrase = Path(temporary) / "passphrase"
        passphrase.write_text("only for these pictures", encoding="utf-8")
        passphrase.chmod(0o600)
        try:
            server.start()
            server.sql(f"CREATE ROLE {_USER} LOGIN PASSWORD '{PASSWORD}'")
            server.sql(f"CREATE DATABASE {_DATABASE} OWNER {_USER}")
            os.environ["DATABASE_URL"] = server.url(_DATABASE, user=_USER)
            os.environ["CTS_PASSPHRASE_FILE"] = str(passphrase)
            yield server
        finally:
            os.environ.pop("DATABASE_URL", None)
            os.environ.pop("CTS_PASSPHRASE_FILE", None)
            server.destroy()


async def shoot_all(studio: "Studio", server: "BareServer") -> None:
    core, window = studio.core, studio.window
    window.attach(core)
    await asyncio.wrap_future(core.workers.write(core.startup.run))
    window.settle()
    await _until(lambda: core.status.store().state == "online")
    await asyncio.wrap_future(core.workers.write(_fill, studio))
    await asyncio.sleep(1.0)
    window.go_to("database/health")
    await _until(lambda: len(_database_page(studio).changes.health.plot._samples) > 12, seconds=60)
    await _in_both(studio, "health")
    window.go_to("settings/database")
    await asyncio.sleep(0.5)
    await _in_both(studio, "settings-postgresql")
    server.stop("immediate")
    await asyncio.wrap_future(core.workers.write(_edit, studio))
    window.go_to("connections")
    await _until(window.status.counts["waiting"].isVisible)
    await asyncio.sleep(1.0)
    window.status.store.open_panel()
    await _in_both(studio, "fallback")
    window.status.store.open_panel()
    server.start()
    server.sql(
        "UPDATE exchange_connections SET note = 'Closed on Fridays', leverage_limit = 10, revision = revision + 1 "
        "WHERE name = 'OKX hedge'",
        database=_DATABASE,
    )
    window.status.store.retry_wanted.emit()
    await _until(lambda: core.status.store().conflicts > 0)
    window.go_to("database/conflicts")
    await _until(lambda: _database_page(studio).changes.conflicts.view.model.rowCount() > 0)
    _database_page(studio).changes.conflicts.view.table.setFocus()
    await asyncio.sleep(1.0)
    await _in_both(studio, "conflict")


async def _in_both(studio: "Studio", name: str) -> None:
    for look in _LOOKS:
        await studio.choose(look)
        await studio.shoot(name)


async def _until(true: Callable[[], object], seconds: float = 30.0) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    while not true():
        if asyncio.get_running_loop().time() > deadline:
            raise TimeoutError("The shared database did not come to show what the picture needs.")
        await asyncio.sleep(0.05)


def _database_page(studio: "Studio") -> "DatabasePage":
    from gui.database.page import DatabasePage

    page = studio.window.page("database")
    assert isinstance(page, DatabasePage)
    return page


def _fill(studio: "Studio") -> None:
    names: set[str] = set()
    for account in demo_folder.ACCOUNTS:
        if account.name in names:
            continue
        names.add(account.name)
        fields = {"name": account.name, "exchange": account.exchange, "enabled": account.enabled}
        fields["tags"] = list(demo_folder.TAGS.get(account.name, ()))
        studio.core.connections.add(fields)


def _edit(studio: "Studio") -> None:
    connections = studio.core.connections
    hedge = connections.find(_EDITED)
    connections.edit(hedge.id, {"note": "Hedge for the main account", "leverage_limit": 5, "color": "#1f6feb"})
    connections.edit(connections.find("Gate old").id, {"enabled": False})
    connections.add({"name": "Bybit second", "exchange": "bybit"})
