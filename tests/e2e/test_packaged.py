"""The built executable: it takes a CTS v3.1 folder over, runs every command, and opens the window."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.canary import canaries_in, canaries_under
from tests.e2e.program import SOURCE, Program
from tests.fixtures.cts31 import Canaries, shape_a


class Built(Program):
    """Runs the executable instead of main.py."""

    executable = Path()

    def command(self, *words: str) -> list[str]:
        return [str(self.executable), "--data-dir", str(self.folder), *words]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    place = tmp_path_factory.mktemp("built")
    command = [sys.executable, str(SOURCE / "packaging" / "build.py"), "--no-archive", "--dist", str(place)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    # It fails too when the folder weighs more than it may.
    assert done.returncode == 0, done.stdout + done.stderr
    program = Built(place / "data", {"QT_QPA_PLATFORM": "offscreen"})
    program.executable = place / "cts-connections" / "cts-connections"
    return program


def test_it_takes_a_cts_folder_over_and_runs_every_command(built: Built, tmp_path: Path) -> None:
    canaries = Canaries()
    built.folder.mkdir()
    expected = shape_a(built.folder / "cts.db", canaries)
    status = built.status()
    assert status["connections"]["total"] == expected - len(status["take_over"]["skipped"])
    assert status["migrations"]["applied"] == status["migrations"]["total"] >= 20
    built.run("prepare")
    for words in (["list"], ["show", "36"], ["apply"], ["rehearse"], ["repair"]):
        built.run("migrations", *words)
    added = built.add(name="Built", exchange="bybit", api_key="key-for-a-test", api_secret="secret-for-a-test")
    built.run("connections", "edit", "Built", stdin=json.dumps({"note": "edited"}))
    assert built.run("connections", "show", added["id"], "--json").json["note"] == "edited"
    built.run("connections", "remove", "Built")
    built.run("connections", "restore", "Built")
    assert "Built" in built.names()
    exported = tmp_path / "export.json"
    built.run("export", str(exported))
    built.run("import", str(exported), "--dry-run")
    built.run("backup")
    built.run("legacy", "scrub", "--yes")
    assert canaries_under(built.folder, canaries.made) == []
    said = "".join(ran.out + ran.err for ran in built.ran).encode()
    assert canaries_in(said + exported.read_bytes(), canaries.made) == []


def test_it_opens_the_window(built: Built) -> None:
    with subprocess.Popen(built.command(), env=built.environment, stderr=subprocess.PIPE) as window:
        try:
            until = time.monotonic() + 60
            while built.run("status", "--json", code=None).json["store"]["problem"] is None:
                assert window.poll() is None, window.stderr and window.stderr.read()
                assert time.monotonic() < until
            # The window holds the folder: a second program is told so.
            assert built.status(code=None)["store"]["problem"]["category"] == "IN_USE"
        finally:
            window.terminate()
            window.wait(10)
    assert built.status()["store"]["state"] == "online"
