"""The watch over the window's loop sees what blocks it, and names whose call it was."""

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication

from storage.database import Database
from tests.loop_watch import ROOT, blocking_calls
from tests.store_kit import migrated_database

BLOCKING = {
    "open": "open(path, 'rb').close()",
    "os.rename": "os.replace(path, path)",
    "sqlite3.connect": "sqlite3.connect(path).close()",
    "sleep": "time.sleep(0.001)",
    "Database.read": "database.read().__enter__()",
}


def as_if_in(file: str, text: str, **names: Any) -> Callable[[], object]:
    """Return a function that does what the text says, and comes from that file of the program."""
    exec(compile(f"def blocks(): {text}", str(ROOT / file), "exec"), names)
    made: Callable[[], object] = names["blocks"]
    return made


def on_a_loop(call: Callable[[], object]) -> list[str]:
    async def scene() -> None:
        asyncio.get_running_loop().call_soon(call)
        await asyncio.sleep(0)

    asyncio.run(scene())
    return blocking_calls()


@pytest.fixture
def names(tmp_path: Path) -> dict[str, Any]:
    path = tmp_path / "cts.db"
    path.write_bytes(migrated_database())
    return {"path": path, "os": os, "sqlite3": sqlite3, "time": time, "database": Database.open_sqlite(path)}


@pytest.mark.parametrize("event", BLOCKING)
def test_it_names_what_blocks_and_who_called(qapp: QApplication, names: dict[str, Any], event: str) -> None:
    helper = as_if_in("storage/made_up.py", BLOCKING[event], **names)
    found = on_a_loop(as_if_in("gui/page.py", "helper()", helper=helper))
    assert any(each.startswith(event) and each.endswith(" in made_up.blocks < page.blocks") for each in found), found


@pytest.mark.parametrize("event", BLOCKING)
def test_it_leaves_alone_what_a_test_or_another_thread_does(
    qapp: QApplication, names: dict[str, Any], event: str
) -> None:
    assert on_a_loop(as_if_in("storage/made_up.py", BLOCKING[event], **names)) == []
    blocks = as_if_in("gui/page.py", BLOCKING[event], **names)
    assert on_a_loop(Thread(target=blocks).start) == []
    blocks()
    assert blocking_calls() == []
