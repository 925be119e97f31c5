"""The main window arranges and wires: rail, pages, message bar, status bar. What they show is theirs."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from gui.announcer import Announcer
from gui.bridge import EventBridge
from gui.frame import EDGES, TITLE
from gui.messages import Messages
from gui.shell import Page, PageSpec, Shell
from gui.status_bar import StatusBar
from gui.status_reader import StatusReader
from gui.tasks import Tasks
from gui.theme import Theme
from gui.widgets.message_bar import MessageBar
from gui.widgets.navigation_rail import NavigationRail

if TYPE_CHECKING:
    from services.core import Core


class MainWindow(QWidget):
    """What fills the frame. `leaving` comes when a person closed the window and nothing unsaved is left.

    The first page is built by `open_first`, so that the shell may be painted before it.
    """

    leaving = Signal()

    def __init__(self, theme: Theme, messages: Messages, tasks: Tasks, specs: Sequence[PageSpec]) -> None:
        super().__init__()
        self.bridge = EventBridge(self)
        self.shell = Shell(theme, messages, tasks, self.bridge, self.go_to)
        self._specs = {spec.key: spec for spec in specs}
        self._pages: dict[str, Page] = {}
        self._core: Core | None = None
        self._may_close = False
        self._settled = False
        self._kept: dict[str, dict[str, Any]] = {}

        self._rail = NavigationRail(theme, TITLE)
        self._stack = QStackedWidget()
        self._bar = MessageBar(theme)
        self.status = StatusBar(theme, self.go_to)
        self._reader = StatusReader(self.shell, self.status, self)
        self._lay_out()

        self._rail.chosen.connect(self.go_to)
        messages.listen(self._bar.add)
        self._reader.badge.connect(self._show_badge)
        self.announcer = Announcer(self.shell, self._bar, self)
        self._add_shortcuts()

    def open_first(self) -> None:
        self.go_to(next(iter(self._specs)))

    @property
    def core(self) -> "Core | None":
        return self._core

    def page(self, key: str) -> Page:
        """Return a page; builds it where it is not built yet."""
        page = self._pages.get(key)
        if page is None:
            page = self._pages[key] = self._specs[key].build(self.shell)
            page.badge.connect(lambda text: self._show_badge(key, text))
            self._stack.addWidget(page)
            page.restore(self._kept.get(key, {}))
            if self._core is not None:
                page.attach(self._core)
                if self._settled:
                    page.started()
        return page

    def go_to(self, place: str) -> None:
        """Show a page, and of it a part where one is named: "database/conflicts"."""
        key, _, part = place.partition("/")
        page = self.page(key)
        self._stack.setCurrentWidget(page)
        self._rail.select(key)
        page.entered()
        if part:
            page.show_part(part)

    def attach(self, core: "Core") -> None:
        """Hand the services to the pages that are built; the others get them when they are."""
        self._core = core
        self._reader.attach(core)
        self.bridge.attach(core.events)
        for page in list(self._pages.values()):
            page.attach(core)

    def settle(self) -> None:
        """Show the store's state after the start. A page that nobody has opened is not built: all take 12 MB."""
        self._settled = True
        for page in list(self._pages.values()):
            page.started()
        self._reader.ask()
        self._take_focus()

    def unsaved(self) -> str:
        """Return what closing now would lose, as sentences."""
        return " ".join(filter(None, (page.unsaved() for page in self._pages.values())))

    def state(self) -> dict[str, Any]:
        """Return size and layout, to be kept in the settings."""
        top = self.window()
        size = top.normalGeometry().size() if top.isMaximized() else top.size()
        kept = self._kept | {key: state for key, page in self._pages.items() if (state := page.state())}
        return {"width": size.width(), "height": size.height(), "maximized": top.isMaximized(), "pages": kept}

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Take the size and layout that `state` returned once; whatever else stands there is passed over."""
        width, height, pages = kept.get("width"), kept.get("height"), kept.get("pages")
        if isinstance(width, int) and isinstance(height, int) and 0 < width < 20_000 and 0 < height < 20_000:
            _resize(self.window(), QSize(width, height))
        if kept.get("maximized") is True:
            self.window().setWindowState(Qt.WindowState.WindowMaximized)
        self._kept = (
            {key: state for key, state in pages.items() if isinstance(state, dict)} if isinstance(pages, dict) else {}
        )
        for key, page in self._pages.items():
            page.restore(self._kept.get(key, {}))

    def may_close(self) -> bool:
        """Tell whether the window may close now; asks the person where something would be lost."""
        lost = "" if self._may_close else self.unsaved()
        if lost:
            self._ask_to_close(lost)
            return False
        self.leaving.emit()
        return True

    def _lay_out(self) -> None:
        line = QFrame()
        line.setFixedWidth(1)
        line.setFrameShape(QFrame.Shape.NoFrame)
        line.setProperty("surface", "line")
        right = QVBoxLayout()
        right.setSpacing(0)
        right.addWidget(self._bar)
        right.addWidget(self._stack, 1)
        across = QHBoxLayout()
        across.setSpacing(0)
        across.addWidget(self._rail)
        across.addWidget(line)
        across.addLayout(right, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(across, 1)
        column.addWidget(self.status)

    def _add_shortcuts(self) -> None:
        for number, (key, spec) in enumerate(self._specs.items(), 1):
            self._rail.add(key, spec.title, f"Ctrl+{number}")
            QShortcut(QKeySequence(f"Ctrl+{number}"), self, lambda key=key: self._go_by_key(key))
        QShortcut(QKeySequence(Qt.Key.Key_F5), self, self._reload)
        QShortcut(QKeySequence(Qt.Key.Key_F1), self, self._show_shortcuts)
        QShortcut(QKeySequence("Ctrl+Q"), self, lambda: self.window().close())

    def _go_by_key(self, key: str) -> None:
        self.go_to(key)
        self.page(key).take_focus()

    def _reload(self) -> None:
        page = self._stack.currentWidget()
        if isinstance(page, Page):
            page.reload()
        self._reader.ask()

    def _show_shortcuts(self) -> None:
        from gui.shortcuts import ShortcutsDialog

        ShortcutsDialog(self).open()

    def _ask_to_close(self, lost: str) -> None:
        from gui.widgets.dialogs import ConfirmDialog

        question = ConfirmDialog("Close without saving?", lost, confirm="Discard and close", danger=True, parent=self)
        question.cancel.set_text("Keep editing")
        question.accepted.connect(self._close_now)
        question.open()

    def _close_now(self) -> None:
        self._may_close = True
        self.window().close()

    def _take_focus(self) -> None:
        """Bring the keyboard to the page, unless a person has it there already."""
        page, focus = self._stack.currentWidget(), QApplication.focusWidget()
        if isinstance(page, Page) and (focus is None or not page.isAncestorOf(focus)):
            page.take_focus()

    def _show_badge(self, key: str, text: str) -> None:
        self._rail.set_badge(key, text)
        if key == "connections":
            self.status.show_connections(f"{text} {'connection' if text == '1' else 'connections'}" if text else "")


def _resize(top: QWidget, wanted: QSize) -> None:
    """Give a window a size that its screen has room for, and move it where it would reach out of the screen then."""
    free = top.screen().availableGeometry()
    size = wanted.boundedTo(free.size() - EDGES)
    top.resize(size)
    place = top.pos()
    last = free.bottomRight() - QPoint(size.width() + EDGES.width(), size.height() + EDGES.height())
    if top.isVisible() and (place.x() > last.x() or place.y() > last.y()):
        top.move(max(free.x(), min(place.x(), last.x())), max(free.y(), min(place.y(), last.y())))
