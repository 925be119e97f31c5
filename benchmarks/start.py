"""From the command to the window: whole process to MapNotify on a virtual screen, against a bare QMainWindow.

Needs Xvfb and xev, and says so where they are missing. The built executable is measured too where there is one. When
the rows are painted is read from the screen itself: Xvfb keeps it in a file, and this process looks there for rows of
text. So nothing is added to the program that is measured. What is imported by then: tests/e2e/test_first_paint.py.
"""

import mmap
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil

from benchmarks.measure import in_turns, report

ROOT = Path(__file__).resolve().parent.parent
CONNECTIONS = 1_000
SETTLED = 4.0
WIDTH, HEIGHT = 1600, 1000
# The programs that are needed, and the packages that bring them on Debian and Ubuntu.
NEEDED = {"Xvfb": "xvfb", "xev": "x11-utils", "stdbuf": "coreutils"}
BUILT = ROOT / "dist" / "cts-connections" / "cts-connections"
BARE = """
import sys
from PySide6.QtWidgets import QApplication, QMainWindow
app = QApplication(sys.argv)
window = QMainWindow()
window.show()
app.exec()
"""
# Where the list is in a window at the top left of the screen, between its header and its end: columns, then heights.
LIST_COLUMNS = range(260, 900, 4)
LIST_HEIGHTS = range(300, 700)
DARK = 120
ROWS_SEEN = 8


class Taken(NamedTuple):
    """Seconds until it happened, and the seconds of processor time that the process had taken by then."""

    wall: float
    processor: float


class Screen(NamedTuple):
    display: str
    pixels: mmap.mmap
    start: int

    def rows_of_text(self) -> int:
        """Return how many bands of dark pixels follow each other down the list."""
        bands, inside = 0, False
        for height in LIST_HEIGHTS:
            line = self.start + height * WIDTH * 4
            # One byte of green in sixteen: looking must not take the processor from the program.
            dark = min(self.pixels[line + LIST_COLUMNS.start * 4 + 1 : line + LIST_COLUMNS.stop * 4 : 16]) < DARK
            bands += dark and not inside
            inside = dark
        return bands


def main() -> None:
    missing = [program for program in NEEDED if shutil.which(program) is None]
    if missing:
        packages = " ".join(NEEDED[program] for program in missing)
        print(f"\nThe start is not measured: {' and '.join(missing)} must be installed (sudo apt install {packages}).")
        return
    with tempfile.TemporaryDirectory() as scratch, virtual_screen(Path(scratch)) as screen:
        folder = Path(scratch) / "data"
        fill(folder, CONNECTIONS)
        environment = {**os.environ, "DISPLAY": screen.display, "QT_QPA_PLATFORM": "xcb", "PYTHONDONTWRITEBYTECODE": ""}
        ours = [sys.executable, "main.py", "--data-dir", str(folder)]
        bare = [sys.executable, "-c", BARE]
        built = [str(BUILT), "--data-dir", str(folder)]
        processor: dict[str, list[float]] = {}

        def wall(name: str, measure: Callable[[], Taken]) -> Callable[[], float]:
            def run() -> float:
                taken = measure()
                processor.setdefault(name, []).append(taken.processor)
                return taken.wall

            return run

        runs = {
            "bare QMainWindow, mapped": lambda: mapped(bare, environment),
            "ours, 1,000 connections, mapped": lambda: mapped(ours, environment),
            "ours, 1,000 connections, rows painted": lambda: painted(ours, environment, screen),
        }
        if BUILT.exists():
            runs["the built executable, mapped"] = lambda: mapped(built, environment)
        rounds = int(os.environ.get("ROUNDS", "15"))
        medians = in_turns({name: wall(name, run) for name, run in runs.items()}, rounds=rounds)
        bars = {"ours, 1,000 connections, mapped": 1.25, "ours, 1,000 connections, rows painted": 1.8}
        floor = "bare QMainWindow, mapped"
        report("Start, whole process, median", medians, floor, bars)
        if BUILT.exists():
            _executable(medians)
        report("Start, processor time (user + system), least", {n: min(v[1:]) for n, v in processor.items()}, floor)
        _memory(bare, ours, environment)


def _executable(medians: Mapping[str, float]) -> None:
    source, built = "ours, 1,000 connections, mapped", "the built executable, mapped"
    compared = {source: medians[source], built: medians[built]}
    report("The executable's start against the source's", compared, source, {built: 1.05})


def _memory(bare: list[str], ours: list[str], environment: dict[str, str]) -> None:
    sizes = {name: resident(command, environment) for name, command in (("bare", bare), ("ours", ours))}
    print(f"\nMemory {SETTLED} s after the start, as it started")
    for number, what in enumerate(("resident", "of it private")):
        floor, size = sizes["bare"][number], sizes["ours"][number]
        bar = f"   bar 1.75 {'ok' if size <= 1.75 * floor else 'MISSED'}" if what == "resident" else ""
        print(f"  {what:<44} bare {floor:.1f} MB, ours {size:.1f} MB  x{size / floor:6.2f}{bar}")


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
def virtual_screen(folder: Path) -> Iterator[Screen]:
    """Start an Xvfb of our own on a free display; what it shows lies in a file in `folder`."""
    reading, writing = os.pipe()
    shown = ["-screen", "0", f"{WIDTH}x{HEIGHT}x24", "-wr", "-fbdir", str(folder)]
    command = ["Xvfb", "-displayfd", str(writing), *shown, "-noreset", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL)
    os.close(writing)
    try:
        with os.fdopen(reading) as pipe:
            display = f":{pipe.readline().strip()}"
        with (folder / "Xvfb_screen0").open("rb") as file:
            pixels = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
            # The file is an XWD: a header, then a palette of entries of 12 bytes, then the pixels.
            header = struct.unpack(">20I", pixels[:80])
            yield Screen(display, pixels, header[0] + header[19] * 12)
    finally:
        server.terminate()
        server.wait()


def mapped(command: list[str], environment: dict[str, str]) -> Taken:
    """Run `command` until the X server maps its first window."""
    watch = ["stdbuf", "-oL", "xev", "-root", "-event", "substructure"]
    with subprocess.Popen(watch, env=environment, stdout=subprocess.PIPE, text=True) as xev:
        assert xev.stdout is not None
        time.sleep(0.15)
        lines = iter(xev.stdout)
        taken = _until(command, environment, lambda: any(line.startswith("MapNotify") for line in lines))
        xev.kill()
    return taken


def painted(command: list[str], environment: dict[str, str], screen: Screen) -> Taken:
    """Run `command` until there are rows on the screen."""

    _wait_for(lambda: screen.rows_of_text() < ROWS_SEEN)
    return _until(command, environment, lambda: _wait_for(lambda: screen.rows_of_text() >= ROWS_SEEN))


def _wait_for(true: Callable[[], bool]) -> None:
    end = time.perf_counter() + 20
    while not true():
        assert time.perf_counter() < end, "The screen never showed what it should."
        time.sleep(0.005)


def _until(command: list[str], environment: dict[str, str], wait: Callable[[], object]) -> Taken:
    started = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as program:
        wait()
        elapsed = time.perf_counter() - started
        times = psutil.Process(program.pid).cpu_times()
        program.kill()
    return Taken(elapsed, times.user + times.system)


def resident(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Return the megabytes in memory once it has settled, and how many of them are its own."""
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as program:
        time.sleep(SETTLED)
        memory = psutil.Process(program.pid).memory_full_info()
        program.kill()
    return memory.rss / 1_000_000, memory.uss / 1_000_000
