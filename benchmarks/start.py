"""From the command to the window: whole process to MapNotify on a virtual screen, against a bare QMainWindow.

Needs Xvfb and xev. The rows' moment is told by the program itself through a wrapper that watches the table's paint.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks.measure import in_turns, report

ROOT = Path(__file__).resolve().parent.parent
CONNECTIONS = 1_000
SETTLED = 2.5
BARE = """
import sys
from PySide6.QtWidgets import QApplication, QMainWindow
app = QApplication(sys.argv)
window = QMainWindow()
window.show()
app.exec()
"""
# The program as it is, plus an event filter that prints once the list has painted rows, and what was imported by then.
PAINTED = """
import runpy, sys
from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication, QTableView
heavy = ("aiohttp", "keyring", "cryptography", "peewee", "psycopg2", "asyncio")

class Watch(QObject):
    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint and isinstance(watched.parent(), QTableView):
            model = watched.parent().model()
            if model is not None and model.rowCount():
                print("painted", ",".join(name for name in heavy if name in sys.modules), flush=True)
                QApplication.instance().removeEventFilter(self)
        return False

real = QApplication.exec
def watched_exec(*_):
    watch = Watch()
    QApplication.instance().installEventFilter(watch)
    return real()
QApplication.exec = watched_exec
sys.argv = ["main.py", *sys.argv[1:]]
runpy.run_path("main.py", run_name="__main__")
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch, virtual_screen() as display:
        folder = Path(scratch) / "data"
        fill(folder, CONNECTIONS)
        environment = {**os.environ, "DISPLAY": display, "QT_QPA_PLATFORM": "xcb", "PYTHONDONTWRITEBYTECODE": ""}
        ours = [sys.executable, "main.py", "--data-dir", str(folder)]
        wrapped = [sys.executable, "-c", PAINTED, "--data-dir", str(folder)]
        bare = [sys.executable, "-c", BARE]
        modules: set[str] = set()
        medians = in_turns(
            {
                "bare QMainWindow, mapped": lambda: mapped(bare, environment),
                "ours, 1,000 connections, mapped": lambda: mapped(ours, environment),
                "ours, 1,000 connections, rows painted": lambda: painted(wrapped, environment, modules),
            }
        )
        bars = {"ours, 1,000 connections, mapped": 1.25, "ours, 1,000 connections, rows painted": 1.8}
        report("Start, whole process", medians, "bare QMainWindow, mapped", bars)
        print("  imported when the rows were painted:", ", ".join(sorted(modules)) or "none of the heavy modules")
        sizes = {name: resident(command, environment) for name, command in (("bare", bare), ("ours", ours))}
        ratio = sizes["ours"] / sizes["bare"]
        print(
            f"  memory after {SETTLED} s: bare {sizes['bare']:.0f} MB, ours {sizes['ours']:.0f} MB, x{ratio:.2f} (bar 1.75)"
        )


def fill(folder: Path, count: int) -> None:
    """Put `count` connections into a new data folder, through the program's own import."""
    import json

    exchanges = ("bybit", "binance", "okx", "gateio", "mexc", "bitget")
    records = [{"name": f"Desk {n:05}", "exchange": exchanges[n % 6], "tags": [f"team {n % 7}"]} for n in range(count)]
    source = folder.parent / "connections.json"
    source.write_text(json.dumps(records), encoding="utf-8")
    command = [sys.executable, "main.py", "--data-dir", str(folder), "import", str(source)]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def virtual_screen() -> Iterator[str]:
    """Start an Xvfb of our own on a free display."""
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1600x1000x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL)
    os.close(writing)
    try:
        with os.fdopen(reading) as pipe:
            yield f":{pipe.readline().strip()}"
    finally:
        server.terminate()
        server.wait()


def mapped(command: list[str], environment: dict[str, str]) -> float:
    """Return the seconds from starting `command` to the first window that the X server maps."""
    watch = ["stdbuf", "-oL", "xev", "-root", "-event", "substructure"]
    with subprocess.Popen(watch, env=environment, stdout=subprocess.PIPE, text=True) as xev:
        time.sleep(0.15)
        started = time.perf_counter()
        with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as program:
            assert xev.stdout is not None
            for line in xev.stdout:
                if line.startswith("MapNotify"):
                    break
            elapsed = time.perf_counter() - started
            program.kill()
        xev.kill()
    return elapsed


def painted(command: list[str], environment: dict[str, str], modules: set[str]) -> float:
    started = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        for line in program.stdout:
            if line.startswith("painted"):
                modules.update(filter(None, line.removeprefix("painted").strip().split(",")))
                break
        elapsed = time.perf_counter() - started
        program.kill()
    return elapsed


def resident(command: list[str], environment: dict[str, str]) -> float:
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as program:
        time.sleep(SETTLED)
        size = psutil.Process(program.pid).memory_info().rss / 1_000_000
        program.kill()
    return size
