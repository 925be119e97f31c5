"""Nothing from outside is ever rich text (F51): every widget, tooltip, header and message of the whole window."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextDocument
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QFileDialog,
    QLabel,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)

from gui.app import pages
from gui.connections.page import ConnectionsPage
from gui.main_window import MainWindow
from gui.widgets.labels import plain_caption, plain_tooltip
from models.event import Notice
from models.problem import Category, Problem
from models.status import ImportItem
from tests.window_kit import Desk, desk

__all__ = ["desk"]

EVIL = '<h1>big</h1><img src="file:///etc/passwd"><a href="http://127.0.0.1/x">&amp; go</a> & more'


@pytest.fixture
def window(desk: Desk) -> Iterator[MainWindow]:
    made = MainWindow(desk.theme, desk.messages, desk.tasks, pages())
    made.resize(1200, 800)
    made.show()
    yield made
    made.bridge.detach()


def shows_markup(text: str) -> bool:
    """Tell whether Qt would take a text for rich text and show something else than its letters."""
    document = QTextDocument()
    document.setHtml(text)
    looks_rich = "<" in text or "&lt;" in text
    return looks_rich and "<h1>" not in document.toPlainText() and "<h1>" in text


def every_widget() -> list[QWidget]:
    found: list[QWidget] = []
    for top in QApplication.topLevelWidgets():
        # Qt's own file dialog shows no text of ours but its title.
        if not isinstance(top, QFileDialog):
            found += [top, *top.findChildren(QWidget)]
    return found


def check_everything() -> int:
    widgets = every_widget()
    for widget in widgets:
        where = f"{type(widget).__name__} {widget.accessibleName()!r}"
        if isinstance(widget, QLabel):
            assert widget.textFormat() == Qt.TextFormat.PlainText, where
        if isinstance(widget, QTextEdit):
            pytest.fail(f"{where} takes rich text; use QPlainTextEdit")
        if isinstance(widget, QAbstractButton) and not isinstance(widget.parent(), QAbstractItemView):
            assert "&amp;" not in widget.text().replace("&&amp;", ""), where
        assert not shows_markup(widget.toolTip()), where
        assert not shows_markup(widget.statusTip()), where
        assert not shows_markup(widget.whatsThis()), where
        if isinstance(widget, QAbstractItemView):
            check_view(widget)
    return len(widgets)


def check_view(view: QAbstractItemView) -> None:
    model = view.model()
    for row in range(min(5, model.rowCount())):
        for column in range(model.columnCount()):
            tip = model.index(row, column).data(Qt.ItemDataRole.ToolTipRole)
            assert tip is None or not shows_markup(str(tip))


def test_the_whole_window_with_hostile_texts(desk: Desk, window: MainWindow, tmp_path: Path) -> None:
    async def scene() -> None:
        desk.bridge.detach()
        window.attach(desk.core)
        await desk.start()
        core = desk.core
        saved = core.connections.add(
            {
                "name": EVIL[:200],
                "exchange": "bybit",
                "tags": ["<b>tag</b>", "a & b"],
                "note": EVIL,
                "extra": {"<i>key</i>": EVIL},
            }
        )
        window.open_first()
        window.settle()
        page = window.page("connections")
        assert isinstance(page, ConnectionsPage)
        await desk.until(lambda: page.model.rowCount() == 1)
        page.table.select_ids([saved.row.id])
        await desk.until(lambda: page.detail._note.text() == EVIL)
        problem = Problem(Category.CANT_OPEN, EVIL, EVIL, EVIL)
        core.events.publish(Notice("error", EVIL, problem))
        for key in ("database", "activity", "settings", "connections"):
            window.go_to(key)
            await asyncio.sleep(0.2)
        page.controller.edit(saved.row.id)
        page.commands.forms.show_import([tmp_path], [ImportItem(EVIL, EVIL, EVIL, "add", EVIL, (EVIL,))])
        window._show_shortcuts()
        page.empty.problem = problem
        page.empty.show_reason(narrowed=False)
        await asyncio.sleep(0.3)
        assert check_everything() > 150
        # The menu of the tags is built when it is opened.
        page.filters.tag.pressed.emit()
        page.filters.tag.choose("a & b")
        assert "a && b" in page.filters.tag.text()
        page.grab()

    desk.run(scene())


def test_a_tooltip_shows_its_letters() -> None:
    document = QTextDocument()
    document.setHtml(plain_tooltip(EVIL))
    assert document.toPlainText() == EVIL
    assert plain_tooltip("nothing special & fine") == "nothing special & fine"


def test_a_caption_keeps_its_ampersand() -> None:
    assert plain_caption("a & b") == "a && b"


def test_every_plain_text_edit_stays_plain(desk: Desk, window: MainWindow) -> None:
    async def scene() -> None:
        window.bridge.detach()
        for key in ("connections", "database", "activity", "settings"):
            window.page(key)
        assert not [widget for widget in every_widget() if isinstance(widget, QTextEdit)]
        assert [widget for widget in every_widget() if isinstance(widget, QPlainTextEdit)]

    desk.run(scene())


def test_every_control_has_a_name_and_can_be_reached(desk: Desk, window: MainWindow) -> None:
    async def scene() -> None:
        window.open_first()
        for key in ("database", "activity", "settings"):
            window.go_to(key)
        nameless = [
            f"{type(widget).__name__} in {type(widget.parent()).__name__}"
            for widget in window.findChildren(QWidget)
            if widget.focusPolicy() & Qt.FocusPolicy.TabFocus
            and not widget.isHidden()
            and widget.window() is window
            and not widget.accessibleName()
            and not widget.objectName().startswith("qt_")
        ]
        assert nameless == []

    desk.run(scene())
