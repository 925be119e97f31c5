"""The Activity page: the live log, and at the right how the program started."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QSplitter

from gui.activity.log_panel import LogPanel
from gui.activity.startup_panel import StartupPanel
from gui.shell import Page, Shell
from gui.widgets.path_row import open_folder
from gui.widgets.side_pane import WIDTH, SidePane

if TYPE_CHECKING:
    from services.core import Core


class ActivityPage(Page):
    """Badge: how many steps of the start had a problem."""

    title = "Activity"

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell)
        self._core: Core | None = None
        self.log = LogPanel(shell.theme)
        self.startup = StartupPanel()
        side = SidePane("Start-up report")
        side.column.addWidget(self.startup)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.setHandleWidth(1)
        split.addWidget(self.log)
        split.addWidget(side)
        split.setStretchFactor(0, 1)
        split.setSizes([10_000, WIDTH])
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(split)
        self.log.folder_wanted.connect(self._open_log_folder)
        shell.bridge.step_finished.connect(lambda _event: self.reload())

    def attach(self, core: "Core") -> None:
        self._core = core
        self.log.attach(core)
        self.reload()

    def started(self) -> None:
        self.reload()

    def entered(self) -> None:
        self.reload()

    def reload(self) -> None:
        """Show the steps that are finished by now; they are in memory, so nothing blocks."""
        if self._core is None:
            return
        steps = self._core.startup.steps
        self.startup.show_steps(steps)
        troubled = sum(not step.ok for step in steps)
        self.badge.emit(f"{troubled} !" if troubled else "")

    def _open_log_folder(self) -> None:
        if self._core is not None:
            open_folder(self._core.data_folder / "logs")
