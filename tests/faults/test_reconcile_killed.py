"""F06: a desktop killed at any step of sending what waited. Each change takes effect once, and none is left behind."""

import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from models.problem import Category
from models.status import Backend, StoreState
from storage.target import Target
from tests.databases import connect
from tests.store_kit import open_kit

ROOT = Path(__file__).resolve().parents[2]


def run(root: Path, url: str, step: int) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "tests.faults.killed_reconcile", str(root), url, str(step)]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)


def test_each_change_takes_effect_once(tmp_path: Path, postgres_url: str) -> None:
    root = tmp_path / "data"
    with open_kit(root, fresh=True, target=lambda: Target(Backend.JSON)) as kit:
        assert (kit.state(), kit.store.status.backend) == (StoreState.ONLINE, Backend.JSON)
        kit.add("one", "two", "three")
        one, two = kit.connections.find("one").id, kit.connections.find("two").id
        kit.connections.edit(one, {"note": "first"})
        kit.connections.edit(one, {"note": "second"})
        kit.connections.remove([two])
        assert kit.store.status.waiting == 6
        assert kit.names() == ["one", "three"]
    step, killed = 1, 0
    # The first connect makes the tables; every one after it goes on where the one before was killed.
    while (ended := run(root, postgres_url, step)).returncode == -signal.SIGKILL:
        killed += 1
        step = step % 3 + 1
        assert killed < 30
    assert ended.stdout == "online 0\n", ended.stderr
    assert killed >= 3
    with closing(connect(postgres_url)) as database:
        assert database.rows("SELECT name, note, revision FROM exchange_connections ORDER BY name") == [
            ("one", "second", 3),
            ("three", "", 1),
        ]
        assert database.rows("SELECT count(*), count(DISTINCT op_id) FROM applied_operations") == [(6, 6)]


def test_a_refused_change_does_not_hold_up_the_others(tmp_path: Path, postgres_url: str) -> None:
    root = tmp_path / "data"
    with open_kit(root, fresh=True, target=lambda: Target(Backend.JSON)) as kit:
        kit.add("one", "too large", "three")
        kit.connections.edit(kit.connections.find("too large").id, {"color": "#123456"})
    assert run(root, postgres_url, 0).returncode == 0
    with closing(connect(postgres_url)) as database:
        (row,) = database.rows("SELECT id FROM exchange_connections WHERE name = 'too large'")
        database.rows("ALTER TABLE exchange_connections ADD CONSTRAINT no_notes CHECK (note = '')")
    with open_kit(root, fresh=True, target=lambda: Target(Backend.JSON)) as kit:
        kit.connections.edit(row[0], {"note": "not allowed there"})
        kit.connections.edit(kit.connections.find("three").id, {"color": "#abcdef"})
        assert kit.store.status.waiting == 2
    assert run(root, postgres_url, 0).stdout == "online 0\n"
    with open_kit(root, fresh=True, target=lambda: Target(Backend.JSON)) as kit:
        (refused,) = kit.store.changes().rejected
        assert (refused.name, refused.fields) == ("too large", ("note",))
        assert refused.problem.category is Category.CONSTRAINT
        kit.store.dismiss(refused.op_id)
        assert kit.store.changes().rejected == ()
    with closing(connect(postgres_url)) as database:
        assert database.rows("SELECT color FROM exchange_connections WHERE name = 'three'") == [("#abcdef",)]
