"""The Activity page over the real log and a real start."""

import logging

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel

from gui.activity.log_model import Column
from gui.activity.page import ActivityPage
from gui.activity.startup_panel import summary
from models.problem import Category, Problem
from models.status import StartupStep
from tests.window_kit import Desk, desk  # noqa: F401 - desk is a fixture

LOG = logging.getLogger("cts.tests")


def test_the_report_and_the_log_of_a_start(desk: Desk) -> None:  # noqa: F811
    async def scene() -> None:
        page = await desk.open(ActivityPage)
        await desk.until(lambda: page.startup.summary.text().endswith("all well."))
        texts = [label.text() for label in page.startup.findChildren(QLabel)]
        assert {"Data folder", "Vault", "Migrations", "✓"} <= set(texts)
        await desk.until(lambda: page.log.model.rowCount() > 10)
        LOG.warning("<b>Something</b> odd")
        page.log.search.setText("ODD")
        await desk.until(lambda: page.log.model.rowCount() == 1)
        page.log.table.selectRow(0)
        assert page.log.text.toPlainText().endswith("cts.tests: <b>Something</b> odd")
        page.log.copy.click()
        assert QGuiApplication.clipboard().text().endswith("<b>Something</b> odd")
        page.log.search.setText("not there")
        assert page.log.empty.isVisible()
        assert page.log.empty.heading.text() == "No line matches"
        page.log.search.clear()
        page.log.level.choose("ERROR")
        assert page.log.empty.heading.text() == "Nothing at error level or above"

    desk.run(scene())


def test_the_lines_are_painted_with_their_selection_and_their_tone(desk: Desk) -> None:  # noqa: F811
    async def scene() -> None:
        page = await desk.open(ActivityPage)
        await desk.until(page.log.model.rowCount)
        LOG.error("It %s", "is very long " * 200)
        await desk.until(lambda: page.log.model.cell(page.log.model.rowCount() - 1, Column.LEVEL)[0] == "error")
        table, last = page.log.table, page.log.model.rowCount() - 1
        table.selectRow(last)
        await desk.idle()
        picture = table.viewport().grab().toImage()
        row = table.visualRect(page.log.model.index(last, Column.TEXT))
        seen = {
            picture.pixelColor(x, y).name()
            for x in range(row.left(), row.left() + 300)
            for y in range(row.top() + 2, row.bottom() - 1)
        }
        assert {desk.theme.tokens.accent_soft, desk.theme.tokens.error} <= seen

    desk.run(scene())


def test_pause_keeps_lines_waiting_and_clear_keeps_them_away(desk: Desk) -> None:  # noqa: F811
    async def scene() -> None:
        page = await desk.open(ActivityPage)
        await desk.until(page.log.model.rowCount)
        await desk.idle()
        page.log.pause.click()
        before = page.log.model.rowCount()
        LOG.warning("one")
        LOG.warning("two")
        await desk.until(lambda: "2 new lines waiting" in page.log.count.text())
        assert page.log.model.rowCount() == before
        page.log.clear.click()
        assert page.log.empty.heading.text() == "No lines yet"
        page.log.pause.click()
        await desk.until(lambda: page.log.model.rowCount() == 2)

    desk.run(scene())


def test_a_flood_comes_in_batches_and_a_hidden_page_rests(desk: Desk) -> None:  # noqa: F811
    async def scene() -> None:
        page = await desk.open(ActivityPage)
        page.hide()
        held = page.log.model.held
        for number in range(9_000):
            LOG.warning("line %d", number)
        await desk.idle()
        assert page.log.model.held == held
        page.show()
        await desk.until(lambda: page.log.model.held >= held + 9_000)
        bar = page.log.table.verticalScrollBar()
        await desk.until(lambda: bar.value() == bar.maximum())

    desk.run(scene())


def test_the_summary_counts_problems() -> None:
    problem = Problem(Category.BAD_FILE, "Damaged.", "Look.")
    steps = [StartupStep("folder", True, 3, "x"), StartupStep("settings", False, 4, "y", problem)]
    assert summary([]) == "The program is starting."
    assert summary(steps[:1]) == "1 step in 3 ms, all well."
    assert summary(steps) == "2 steps in 7 ms, 1 with a problem."
