"""What a page is, and what the window hands to every page."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

if TYPE_CHECKING:
    from gui.bridge import EventBridge
    from gui.messages import Messages
    from gui.tasks import Tasks
    from gui.theme import Theme
    from services.core import Core


class Shell(NamedTuple):
    """What the pages share. `go_to(key)` shows another page: connections, database, activity or settings.

    A part of a page may follow: "database/conflicts".
    """

    theme: "Theme"
    messages: "Messages"
    tasks: "Tasks"
    bridge: "EventBridge"
    go_to: Callable[[str], None]


class Page(QWidget):
    """One page of the window. It paints its loading state until `attach` brings the core.

    `badge` carries the short text beside the page's name on the rail; "" clears it.
    """

    badge = Signal(str)
    title = ""

    def __init__(self, shell: Shell) -> None:
        super().__init__()
        self.shell = shell
        self.setAccessibleName(self.title)

    def attach(self, core: "Core") -> None:
        """Take the services; called once, on the GUI's thread, when they are built."""
        raise NotImplementedError  # every page has services of its own to take

    def started(self) -> None:
        """Called once after the start: the store is open, or its Problem says why not."""

    def entered(self) -> None:
        """Called each time the page comes to the front."""

    def take_focus(self) -> None:
        """Bring the keyboard to this page: to the first of what can be reached by Tab."""
        widget = self.nextInFocusChain()
        while widget is not None and widget is not self:
            shown = self.isAncestorOf(widget) and widget.isVisible() and widget.isEnabled()
            if shown and widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
                widget.setFocus(Qt.FocusReason.ShortcutFocusReason)
                return
            widget = widget.nextInFocusChain()

    def show_part(self, part: str) -> None:
        """Bring a part of the page to the front; one that is not known changes nothing."""

    def reload(self) -> None:
        """Read again what the page shows (F5)."""

    def state(self) -> dict[str, Any]:
        """Return the layout worth keeping (column widths, sort), as JSON values; {} if none."""
        return {}

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Take a layout that `state` returned once, or {}; check it, the file may hold anything."""

    def unsaved(self) -> str:
        """Return what closing would lose, as a sentence; "" if nothing."""
        return ""


class PageSpec(NamedTuple):
    """A page before it is built: the window builds it at its first visit, or when nothing else is to do."""

    key: str
    title: str
    build: Callable[[Shell], Page]
