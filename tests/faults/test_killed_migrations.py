"""F44: a migration killed at any statement leaves nothing half done, and the next start completes it."""

import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from tests.databases import MIGRATIONS, connect, migrator, states, write_files


def killed_everywhere(address: str, folder: Path) -> dict[str, int]:
    command = [sys.executable, "-m", "tests.faults.killed_migrations", address, str(folder)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    found: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_data_and_tables_are_whole_after_a_kill_at_every_point(address: str, tmp_path: Path) -> None:
    texts = {}
    for number in (1, 2, 36):
        table = f"made_by_{number}"
        texts[f"_{number:03}_step"] = (
            f"CREATE TABLE {table} (a TEXT);\nINSERT INTO {table} VALUES ('one');\n"
            f"CREATE INDEX ix_{table} ON {table} (a);\nINSERT INTO {table} SELECT a || ' more' FROM {table};\n"
        )
    folder = write_files(tmp_path / "sql", **texts)
    assert killed_everywhere(address, folder)["kills"] == 3 * 6
    with closing(connect(address)) as database:
        assert set(states(migrator(database, folder).apply()).values()) == {"applied"}
        for number in (1, 2, 36):
            assert database.rows(f"SELECT a FROM made_by_{number} ORDER BY a") == [("one",), ("one more",)]


def test_the_real_files_survive_a_kill_at_every_point(address: str) -> None:
    assert killed_everywhere(address, MIGRATIONS)["kills"] > 100
    with closing(connect(address)) as database:
        assert set(states(migrator(database).apply()).values()) == {"applied"}
        assert migrator(database).up_to_date()
        if database.dialect == "sqlite":
            assert database.rows("PRAGMA integrity_check") == [("ok",)]
