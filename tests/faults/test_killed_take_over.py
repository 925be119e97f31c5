"""F44 for the take-over and the scrub: kill -9 at every step, and at any moment. The next start finishes it, once."""

import random
import shutil
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest

from services.events import Events
from services.legacy import LegacyService
from tests.faults.real_faults import child, run
from tests.fixtures.cts31 import Canaries, json_record, shape_a, write
from tests.store_kit import open_kit

# The n-th step of the hook kills; 0 counts them.
_TAKE_OVER = """
import os, signal, sys
from pathlib import Path
from models.status import Backup
from storage.data_folder import prepare
from storage.database import Database
from storage.legacy.take_over import take_over_if_needed
from storage.migrator.runner import Migrator
from storage.vault import Vault
from tests.store_kit import MIGRATIONS
root, fatal, seen = Path(sys.argv[1]), int(sys.argv[2]), 0
def hook(step):
    global seen
    seen += 1
    if seen == fatal:
        os.kill(os.getpid(), signal.SIGKILL)
folder = prepare(root)
vault = Vault.open(folder, passphrase=None, environment={}, writable=True)
database = Database.open_sqlite(folder.database)
migrator = Migrator(database, MIGRATIONS, backup=lambda: None)
take_over_if_needed(database, folder, vault, migrator, hook=hook)
print(seen)
"""

_SCRUB = """
import os, signal, sys
from pathlib import Path
from storage.data_folder import prepare
from storage.database import Database
from storage.legacy.scrub import scrub
from storage.vault import Vault
root, fatal, seen = Path(sys.argv[1]), int(sys.argv[2]), 0
def hook(step):
    global seen
    seen += 1
    if seen == fatal:
        os.kill(os.getpid(), signal.SIGKILL)
folder = prepare(root)
vault = Vault.open(folder, passphrase=None, environment={}, writable=True)
scrub(Database.open_sqlite(folder.database), folder, open_secret=vault.open_secret, hook=hook)
print(seen)
"""


@pytest.fixture(scope="module")
def old_folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Canaries]:
    """Make a folder whose database is larger than SQLite's cache: half of it is written before the commit."""
    root = tmp_path_factory.mktemp("cts31")
    canaries = Canaries()
    shape_a(root / "cts.db", canaries, candles=30_000)
    write(root / "connections.json", [json_record(canaries, "bingx-x01")])
    return root, canaries


@pytest.fixture(scope="module")
def taken_folder(old_folder: tuple[Path, Canaries], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Canaries]:
    root = tmp_path_factory.mktemp("taken") / "data"
    shutil.copytree(old_folder[0], root)
    run(_TAKE_OVER, root, 0)
    return root, old_folder[1]


def check_taken_over(root: Path) -> None:
    with open_kit(root) as kit:
        assert kit.problem is None
        names = kit.names()
        assert len(names) == len(set(names)) == 10
        report = LegacyService(kit.store, kit.folder, kit.vault, Events()).report()
        assert report is not None
        assert (report.connections, report.tables["legacy_market_data"]) == (10, 30_000)
    with closing(sqlite3.connect(root / "cts.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT count(*) FROM take_overs").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM legacy_market_data").fetchone() == (30_000,)
        assert connection.execute("SELECT count(*) FROM legacy_exchange_connections").fetchone() == (10,)
    assert [path.name for path in root.rglob("*") if ".tmp" in path.name] == []
    # An empty journal is no hot one; SQLite removes it with the next write.
    assert [path.name for path in root.rglob("*-journal") if path.stat().st_size] == []


def check_scrubbed(root: Path, canaries: Canaries) -> None:
    with open_kit(root) as kit:
        legacy = LegacyService(kit.store, kit.folder, kit.vault, Events())
        legacy.scrub()
        assert legacy.plaintext() == ()
        assert len(kit.names()) == 10
    for path in root.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert [secret for secret in canaries.made if secret.encode() in content] == [], path


def test_killed_at_every_step_of_the_take_over(old_folder: tuple[Path, Canaries], tmp_path: Path) -> None:
    shutil.copytree(old_folder[0], tmp_path / "0")
    steps = int(run(_TAKE_OVER, tmp_path / "0", 0))
    assert steps > 10
    for step in range(1, steps + 1):
        root = tmp_path / str(step)
        shutil.copytree(old_folder[0], root)
        killed = subprocess.run(child(_TAKE_OVER, root, step), capture_output=True, timeout=60, check=False)
        assert killed.returncode == -9, killed.stderr
        check_taken_over(root)
        shutil.rmtree(root)


def test_killed_at_any_moment_of_the_take_over(old_folder: tuple[Path, Canaries], tmp_path: Path) -> None:
    """The same folder is killed again and again, and each attempt finds what the one before left."""
    root = tmp_path / "data"
    shutil.copytree(old_folder[0], root)
    dice = random.Random(31)
    for _ in range(15):
        process = subprocess.Popen(child(_TAKE_OVER, root, 0), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(dice.uniform(0.1, 1.2))
        process.kill()
        process.wait()
    check_taken_over(root)


def test_killed_at_every_step_of_the_scrub(taken_folder: tuple[Path, Canaries], tmp_path: Path) -> None:
    taken, canaries = taken_folder
    shutil.copytree(taken, tmp_path / "0")
    steps = int(run(_SCRUB, tmp_path / "0", 0))
    assert steps > 8
    for step in range(1, steps + 1, 2):
        root = tmp_path / str(step)
        shutil.copytree(taken, root)
        killed = subprocess.run(child(_SCRUB, root, step), capture_output=True, timeout=60, check=False)
        assert killed.returncode == -9, killed.stderr
        check_scrubbed(root, canaries)
        shutil.rmtree(root)
