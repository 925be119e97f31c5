"""The window as a process: what it has imported when it is painted, that it survives a bug, that it quits in time."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("aiohttp", "keyring", "cryptography", "peewee", "psycopg2", "asyncio")
# Waits until the table has painted rows, says what is imported, and leaves.
PAINTED = """
import sys, main, gui.app
import gui.program
class Painted:
    def __init__(self, program):
        self.program = program
    def set(self):
        rows = self.program._list_page().model.rowCount()
        print(rows, [name for name in {heavy} if name in sys.modules], flush=True)
        self.program._frame.close()
    def wait(self, _seconds):
        pass
real = gui.program.Program.begin
def begin(self, *given):
    self._build = lambda _make_core: None
    self._list_painted = Painted(self)
    real(self, *given)
gui.program.Program.begin = begin
sys.exit(main.main(sys.argv[1:]))
"""
# A slot, a task and a thread fail; the window answers afterwards.
FAILING = """
import sys, threading, main
from PySide6.QtCore import QTimer
from gui.program import Program
real = Program._start_up
async def fails():
    raise KeyError("task-canary")
def slot():
    raise ValueError("slot-canary")
def thread():
    raise OSError("thread-canary")
async def start_up(self, core):
    await real(self, core)
    said = []
    self._messages.arrived.connect(lambda message: said.append(message.detail))
    QTimer.singleShot(0, slot)
    self._tasks.start("fails", fails())
    threading.Thread(target=thread).start()
    def look():
        if len(said) < 3:
            return
        clock.stop()
        print(sorted(said), self._window.isVisible(), flush=True)
        self._frame.close()
    clock = self._clock = QTimer()
    clock.timeout.connect(look)
    clock.start(20)
Program._start_up = start_up
sys.exit(main.main(sys.argv[1:]))
"""
# The writer hangs for good; the window is closed.
STUCK = """
import sys, time, main
from gui.program import Program
real = Program._start_up
async def start_up(self, core):
    await real(self, core)
    core.workers.write(time.sleep, 600)
    print(time.monotonic(), flush=True)
    self._frame.close()
Program._start_up = start_up
sys.exit(main.main(sys.argv[1:]))
"""
# Closed before anything is built.
AT_ONCE = """
import sys, main
from gui.frame import Frame
real = Frame.show
def show(self):
    real(self)
    self.painted.connect(self.close)
Frame.show = show
sys.exit(main.main(sys.argv[1:]))
"""


def run(code: str, folder: Path, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-c", code, "--data-dir", str(folder)]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=timeout, check=False
    )


def filled(folder: Path) -> Path:
    environment = {**os.environ}
    for name in ("Alpha", "Beta"):
        subprocess.run(
            [sys.executable, "main.py", "--data-dir", str(folder), "connections", "add"],
            cwd=ROOT,
            env=environment,
            input=f'{{"name": "{name}", "exchange": "bybit"}}',
            text=True,
            check=True,
            capture_output=True,
        )
    return folder


def test_the_rows_are_painted_before_anything_heavy_is_imported(tmp_path: Path) -> None:
    done = run(PAINTED.format(heavy=HEAVY), filled(tmp_path / "data"))
    assert (done.returncode, done.stdout.strip()) == (0, "2 []"), done.stderr


def test_a_slot_a_task_and_a_thread_may_fail(tmp_path: Path) -> None:
    done = run(FAILING, tmp_path / "data")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "['BUG KeyError', 'BUG OSError', 'BUG ValueError'] True"
    log = (tmp_path / "data" / "logs" / "cts.log").read_text(encoding="utf-8")
    for canary in ("slot", "task", "thread"):
        assert f"{canary}-canary" in log


def test_a_stuck_worker_does_not_keep_the_program(tmp_path: Path) -> None:
    # Far more than the 3 s that are allowed: the fault would hang for ten minutes.
    done = run(STUCK, tmp_path / "data", timeout=40)
    assert done.returncode == 0, done.stderr


def test_a_window_closed_at_once_ends_the_program(tmp_path: Path) -> None:
    done = run(AT_ONCE, tmp_path / "data", timeout=40)
    assert done.returncode == 0, done.stderr


def test_without_a_screen_it_says_so_instead_of_aborting(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    command = [sys.executable, "main.py", "--data-dir", str(tmp_path / "data")]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr == (
        "CANT_OPEN: There is no screen here to open the window on. Start it in a desktop session, or use a command: "
        "main.py --help lists them.\n"
    )
