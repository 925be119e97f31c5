"""The Connections page with 10,000 and 100,000 rows: order, search, scrolling, selection, memory, and the loop's gaps.

Runs on Qt's offscreen platform in one process. Each scene is timed from the person's act to the list that shows it,
and a 5 ms timer beside it tells the longest time in which the window could not have answered.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from itertools import cycle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from benchmarks.offscreen import run_as_the_program, use_offscreen
from models.connection_row import ConnectionRow

BARS: dict[str, Any] = {"sort": 150.0, "scroll": 20.0, "gap": 50.0, "memory": 1.2}
KEY_STROKE = {10_000: 50.0, 100_000: 150.0}
TICK = 0.005
ROUNDS = 9
EXCHANGES = ("bybit", "binance", "okx", "gateio", "mexc", "bitget")

Scene = Callable[[], Awaitable[None]]


class Gaps:
    """Longest time between two ticks of a 5 ms timer since `begin`."""

    def __init__(self) -> None:
        from PySide6.QtCore import Qt, QTimer

        self._last = self.longest = 0.0
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._timer.start(int(TICK * 1000))

    def begin(self) -> None:
        self._last, self.longest = time.perf_counter(), 0.0

    def _tick(self) -> None:
        now = time.perf_counter()
        self.longest = max(self.longest, now - self._last)
        self._last = now


def main() -> None:
    use_offscreen()
    import qasync
    from PySide6.QtWidgets import QApplication

    app = QApplication(sys.argv[:1])
    app.setQuitOnLastWindowClosed(False)
    loop = qasync.QEventLoop(app)
    asyncio.set_event_loop(loop)
    with tempfile.TemporaryDirectory() as scratch, loop:
        for count in (10_000, 100_000):
            loop.run_until_complete(_measure(app, Path(scratch) / str(count), count))


def rows(count: int) -> list[ConnectionRow]:
    def row(n: int) -> ConnectionRow:
        environment = ("demo", "testnet", "live")[n % 3]
        values: dict[str, Any] = dict.fromkeys(ConnectionRow._fields, "")
        values |= {"id": f"{n:032x}", "name": f"Desk {n * 7919 % count:06}", "exchange": EXCHANGES[n % 6]}
        values |= {"account_type": "unified", "environment": environment, "enabled": n % 4 != 0}
        values |= {"tags": (f"team {n % 7}", f"desk {n % 97}"), "revision": 1, "updated_at": _stamp(n)}
        values |= {name: bool(n % 2) for name in ("api_key_set", "api_secret_set")}
        return ConnectionRow(**values)

    return [row(n) for n in range(count)]


def _stamp(number: int) -> str:
    return f"2026-{number % 12 + 1:02}-{number % 28 + 1:02}T{number % 24:02}:{number % 60:02}:00+00:00"


async def _measure(app: Any, folder: Path, count: int) -> None:
    from gui.connections.order_index import OrderIndex
    from tests.window_kit import Desk

    made = rows(count)
    desk = Desk(app, folder, asyncio.get_running_loop())
    memory = _memory_a_row(made)
    from gui.connections.page import ConnectionsPage

    page = ConnectionsPage(desk.shell)
    page.resize(1100, 740)
    page.show()
    page.attach(desk.core)
    await desk.start()
    page.started()
    await desk.idle()
    run_as_the_program()
    gaps = Gaps()
    print(f"\nThe list with {count:,} rows (median, longest gap of the loop)")
    index = OrderIndex(made)
    await scene("show the list", gaps, lambda: _at_once(page, lambda: page.controller.listed.emit(index)), rounds=1)
    await scene("sort by a column", gaps, lambda: _sort(page), BARS["sort"])
    letters = iter("desk 00123" * ROUNDS)
    stroke = KEY_STROKE[count]
    await scene("key stroke", gaps, lambda: _at_once(page, lambda: _type(page, next(letters))), stroke)
    page.control.clear()
    await scene(
        "back to all rows", gaps, lambda: _at_once(page, page.search.clear), stroke, before=lambda: _letters(page)
    )
    await scene("scroll a page", gaps, lambda: _at_once(page, lambda: _scroll(page)), BARS["scroll"])
    await scene("select all", gaps, lambda: _at_once(page, page.table.selectAll))
    await scene("sort with all selected", gaps, lambda: _sort(page), BARS["sort"])
    bar = BARS["memory"]
    print(f"  {'memory a row beyond the entity':<32} {memory:8.2f} KB            bar {bar} {verdict(memory, bar)}")
    page.close()
    desk.bridge.detach()
    desk.tasks.cancel_all()
    await desk.idle()
    desk.core.startup.close()
    desk.core.workers.close()
    desk.core.log.close()


async def scene(
    name: str, gaps: Gaps, act: Scene, bar: Any = None, rounds: int = ROUNDS, before: Scene | None = None
) -> None:
    taken = []
    longest = []
    for _ in range(rounds):
        if before is not None:
            await before()
        gaps.begin()
        started = time.perf_counter()
        await act()
        taken.append((time.perf_counter() - started) * 1000)
        await asyncio.sleep(0.12)
        longest.append(gaps.longest * 1000)
    median, gap = statistics.median(taken), statistics.median(longest)
    told = "" if bar is None else f"bar {bar:.0f} {verdict(median, bar)}"
    gap_bar = BARS["gap"]
    print(f"  {name:<32} {median:8.1f} ms  {told:<14} gap {gap:6.1f} ms bar {gap_bar:.0f} {verdict(gap, gap_bar)}")


def verdict(value: float, bar: Any) -> str:
    return "ok" if value <= bar else "MISSED"


async def _at_once(page: Any, act: Callable[[], object]) -> None:
    act()
    page.table.viewport().repaint()


_COLUMNS = cycle((2, 8, 7, 5, 1, 0, 4))


async def _sort(page: Any) -> None:
    """Click the next header and wait for the list in the new order."""
    shown = asyncio.get_running_loop().create_future()
    connection = page.model.reordered.connect(lambda: None if shown.done() else shown.set_result(None))
    page.table.horizontalHeader().sectionClicked.emit(next(_COLUMNS))
    await shown
    page.table.viewport().repaint()
    page.model.reordered.disconnect(connection)


def _type(page: Any, letter: str) -> None:
    page.search.setText(page.search.text() + letter)


async def _letters(page: Any) -> None:
    await _at_once(page, lambda: page.search.setText("desk 1"))
    await asyncio.sleep(0.05)


def _scroll(page: Any) -> None:
    bar = page.table.verticalScrollBar()
    bar.setValue(bar.value() + bar.pageStep())


def _memory_a_row(made: list[ConnectionRow]) -> float:
    """Return the kilobytes that the index takes for a row, beside the row itself."""
    import tracemalloc

    from gui.connections.order_index import OrderIndex

    tracemalloc.start()
    kept = SimpleNamespace(index=OrderIndex(made))
    kept.index.place(made[0].id)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return size / len(made) / 1000
