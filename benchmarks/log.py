"""The log view with 100,000 lines: a flood while it is looked at, search by key stroke, scrolling, and the loop's gaps.

As benchmarks/list.py: offscreen, in one process, timed from the person's act to the view that shows it.
"""

import asyncio
import logging
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.list import ROUNDS, Gaps, scene, verdict
from benchmarks.offscreen import run_as_the_program, use_offscreen

LINES = 100_000
CELL_MILLISECONDS = 0.1
GAP = 50.0
SEARCH = 50.0
SCROLL = 20.0
_LOG = logging.getLogger("cts.benchmarks")
_TEXTS = (
    "Migration %05d is applied (3 ms).",
    "The server closed the connection of desk %05d while a statement ran; trying again in 4 s.",
    "Connection %05d: checked, 84 ms.",
)


def main() -> None:
    use_offscreen()
    import qasync
    from PySide6.QtWidgets import QApplication

    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    app.setQuitOnLastWindowClosed(False)
    loop = qasync.QEventLoop(app)
    asyncio.set_event_loop(loop)
    with tempfile.TemporaryDirectory() as scratch, loop:
        loop.run_until_complete(_measure(app, Path(scratch)))


async def _measure(app: Any, folder: Path) -> None:
    from gui.activity.page import ActivityPage
    from tests.window_kit import Desk

    desk = Desk(app, folder, asyncio.get_running_loop())
    page = await desk.open(ActivityPage)
    log = page.log
    await desk.idle()
    run_as_the_program()
    gaps = Gaps()
    print(f"\nThe log with {LINES:,} lines (median, longest gap of the loop)")
    await _flood(log, gaps)
    letters = iter("the server closed it" * ROUNDS)
    await scene("key stroke", gaps, lambda: _at_once(log, lambda: _type(log, next(letters))), SEARCH)
    log.search.clear()
    await scene("a rare word at once", gaps, lambda: _at_once(log, lambda: _search(log)), SEARCH)
    log.search.clear()
    log.table.scrollToTop()
    await scene("scroll a page", gaps, lambda: _at_once(log, lambda: _scroll(log)), SCROLL)
    _cells(log)
    page.close()
    desk.tasks.cancel_all()
    desk.bridge.detach()
    await desk.idle()
    desk.core.startup.close()
    desk.core.workers.close()
    desk.core.log.close()


async def _flood(log: Any, gaps: Gaps) -> None:
    """Log from a thread as fast as it goes while the page is looked at, until the view has all of it."""
    gaps.begin()
    started = time.perf_counter()
    await asyncio.get_running_loop().run_in_executor(None, _write)
    print(f"  {'logged after':<32} {time.perf_counter() - started:8.1f} s   gap {gaps.longest * 1000:6.1f} ms")
    while log.model.held < LINES:
        await asyncio.sleep(0.05)
    seconds, gap = time.perf_counter() - started, gaps.longest * 1000
    print(f"  {'a flood, until all of it is shown':<32} {seconds:8.1f} s   gap {gap:6.1f} ms {verdict(gap, GAP)}")


def _write() -> None:
    for number in range(LINES):
        _LOG.info(_TEXTS[number % len(_TEXTS)], number)


def _cells(log: Any) -> None:
    """Paint the visible cells again and again, and divide."""
    log.table.scrollToBottom()
    view = log.table.viewport()
    cells = (view.height() // log.table.rowHeight(0) + 1) * log.model.columnCount()
    view.repaint()
    started = time.perf_counter()
    for _ in range(ROUNDS):
        view.repaint()
    each = (time.perf_counter() - started) * 1000 / ROUNDS / cells
    bar = CELL_MILLISECONDS
    print(f"  {'painting a cell':<32} {each:8.3f} ms  bar {bar} {verdict(each, bar)}")


async def _at_once(log: Any, act: Callable[[], object]) -> None:
    act()
    log.table.viewport().repaint()


def _type(log: Any, letter: str) -> None:
    log.search.setText(log.search.text() + letter)


def _search(log: Any) -> None:
    log.search.setText("" if log.search.text() else "desk 00001 ")


def _scroll(log: Any) -> None:
    bar = log.table.verticalScrollBar()
    bar.setValue(bar.value() + bar.pageStep())
