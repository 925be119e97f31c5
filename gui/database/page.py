"""The Database page arranges: the store's card, migrations, changes and health, and at the right the backups."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QVBoxLayout, QWidget

from gui.database.actions import badge, reasons
from gui.database.backups_panel import BackupsPanel
from gui.database.baseline_dialog import BaselineDialog
from gui.database.changes_part import ChangesPart
from gui.database.controller import DatabaseController
from gui.database.migration_actions import MigrationActions
from gui.database.migrations_panel import MigrationsPanel
from gui.database.rehearsal_dialog import RehearsalDialog
from gui.database.store_actions import StoreActions
from gui.database.store_card import StoreCard
from gui.database.take_over_panel import TakeOverPanel
from gui.figures import count_text, size_text, stamp_text
from gui.shell import Page, Shell
from gui.widgets.dialogs import ConfirmDialog
from gui.widgets.side_pane import WIDTH, SidePane
from gui.widgets.tabs import Tabs
from models.status import KEPT_RECORDS, Backend

if TYPE_CHECKING:
    from models.problem import Problem
    from models.status import Backup, LedgerChange, MigrationItem, Rehearsal, StoreStatus
    from services.core import Core


class DatabasePage(Page):
    """Wires panels and controller; what a panel shows comes from the controller's signals."""

    title = "Database"

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell)
        self._store: StoreStatus | None = None
        self._items: tuple[MigrationItem, ...] = ()
        self.controller = DatabaseController(shell, self)
        self._on_migrations = MigrationActions(self.controller)
        self._on_store = StoreActions(self.controller)
        self.card = StoreCard(shell.theme)
        self.tabs = Tabs("Parts of the Database page")
        self.migrations = MigrationsPanel(shell.theme)
        self.changes = ChangesPart(shell, self.controller, self.tabs, self)
        self.backups = BackupsPanel()
        self.take_over = TakeOverPanel(shell.theme)
        self._lay_out()
        self._connect_panels()
        self._connect_controller()

    def attach(self, core: "Core") -> None:
        self.controller.attach(core)
        self.changes.attach(core)

    def started(self) -> None:
        self.reload()

    def show_part(self, part: str) -> None:
        self.tabs.choose(part)

    def reload(self) -> None:
        self.controller.reload()
        self.changes.ask()

    def _lay_out(self) -> None:
        main = QWidget()
        column = QVBoxLayout(main)
        column.setContentsMargins(20, 16, 20, 14)
        column.setSpacing(16)
        column.addWidget(self.card)
        column.addWidget(self.changes.fence)
        for key, title, part in (
            ("migrations", "Migrations", self.migrations),
            ("waiting", "Waiting", self.changes.waiting),
            ("conflicts", "Conflicts", self.changes.conflicts),
            ("rejected", "Refused", self.changes.rejected),
            ("health", "Health", self.changes.health),
        ):
            self.tabs.add(key, title, part)
        column.addWidget(self.tabs, 1)
        side = SidePane("Backups and take-over")
        side.column.addWidget(self.backups)
        side.column.addWidget(self.take_over)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.setHandleWidth(1)
        split.addWidget(main)
        split.addWidget(side)
        split.setStretchFactor(0, 1)
        split.setSizes([10_000, WIDTH])
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(split)

    def _connect_panels(self) -> None:
        controller = self.controller
        self.card.check_wanted.connect(self._on_store.check)
        self.migrations.chosen.connect(controller.read_sql)
        self.migrations.apply_wanted.connect(self._on_migrations.apply)
        self.migrations.rehearse_wanted.connect(self._on_migrations.rehearse)
        self.migrations.repair_wanted.connect(self._on_migrations.preview_repair)
        self.migrations.baseline_wanted.connect(self._ask_baseline)
        self.card.retry_wanted.connect(self._on_store.retry)
        self.card.empty_wanted.connect(self._ask_empty)
        self.card.records_wanted.connect(self._ask_records)
        self.backups.backup_wanted.connect(self._on_store.back_up)
        self.backups.restore_wanted.connect(self._ask_restore)
        self.take_over.scrub_wanted.connect(self._on_store.preview_scrub)

    def _connect_controller(self) -> None:
        controller = self.controller
        controller.store_read.connect(self._show_store)
        controller.vault_read.connect(self.card.show_vault)
        controller.items_read.connect(self._show_items)
        controller.list_failed.connect(self._show_failure)
        controller.sql_read.connect(self.migrations.show_sql)
        controller.backups_read.connect(self.backups.show_backups)
        controller.take_over_read.connect(self.take_over.show_report)
        self._on_migrations.rehearsed.connect(self._show_rehearsal)
        self._on_migrations.repair_previewed.connect(self._ask_repair)
        self._on_store.scrub_previewed.connect(self._ask_scrub)
        self._on_store.scrubbed.connect(self.take_over.show_result)
        controller.busy_changed.connect(lambda _sentence: self._show_reasons())

    def _show_store(self, status: "StoreStatus") -> None:
        self._store = status
        self.card.show_store(status)
        self.changes.fence.show_store(status)
        self._show_reasons()

    def _show_items(self, items: "Sequence[MigrationItem]") -> None:
        self._items = tuple(items)
        self.migrations.show_items(items)
        self.badge.emit(badge(items))
        self._show_reasons()

    def _show_failure(self, problem: "Problem") -> None:
        self._items = ()
        self.badge.emit("")
        told = self._store is not None and self._store.problem is not None
        why = "The card above says why." if told else f"{problem.text} {problem.solution}"
        self.migrations.show_nothing("The migrations cannot be read", why)
        self._show_reasons()

    def _show_reasons(self) -> None:
        busy = self.controller.busy
        why = reasons(self._store, self._items, busy)
        self.migrations.set_reasons(why, busy)
        self.backups.set_reasons(why.backup, why.restore)
        self.card.set_reason(busy or ("" if self._store else why.apply))
        self.take_over.set_reason(why.scrub)
        self.changes.set_reason(busy)

    def _show_rehearsal(self, results: "Sequence[Rehearsal]") -> None:
        RehearsalDialog(self.shell.theme, results, self).open()

    def _ask_repair(self, changes: "Sequence[LedgerChange]") -> None:
        if not changes:
            self.shell.messages.say("Nothing to repair: ledger and files agree.", level="ok")
            return
        question = ConfirmDialog(
            "Repair the ledger",
            "Only the ledger changes; no migration runs and no table is touched.",
            confirm="Repair",
            lines=[f"{change.number:03d} {change.name}: {change.sentence}" for change in changes],
            parent=self,
        )
        question.accepted.connect(self._on_migrations.repair)
        question.open()

    def _ask_baseline(self) -> None:
        question = BaselineDialog(self._items, self)
        question.preview_wanted.connect(self._on_migrations.preview_baseline)
        self._on_migrations.baseline_previewed.connect(question.show_changes)
        question.ask()
        question.accepted.connect(lambda: self._on_migrations.baseline(question.number))
        question.open()

    def _ask_restore(self, backup: "Backup") -> None:
        if backup.reason == KEPT_RECORDS:
            self._ask_bring_back(backup)
            return
        facts = f"{size_text(backup.size_bytes)}, {count_text(backup.connections, 'connection')}"
        shared = self._store is not None and self._store.backend is Backend.POSTGRESQL
        kept = "What is there now is kept in the quarantine folder."
        if shared:
            kept = "For every desktop that uses it. A backup of what is there now is made first."
        question = ConfirmDialog(
            "Restore a backup",
            f"The database becomes what it was then. {kept}",
            confirm="Restore it",
            lines=[f"Backup of {stamp_text(backup.made_at)}: {facts}", str(backup.path)],
            danger=True,
            parent=self,
        )
        question.accepted.connect(lambda: self._on_store.restore(Path(backup.path)))
        question.open()

    def _ask_bring_back(self, kept: "Backup") -> None:
        question = ConfirmDialog(
            "Bring records back",
            "Those that the database lacks are added, and those that it has older get what was kept. Everything else "
            "stays as it is, and what somebody deleted stays deleted.",
            confirm="Bring them back",
            lines=[f"{count_text(kept.connections, 'record')}, kept {stamp_text(kept.made_at)}", kept.path],
            parent=self,
        )
        question.accepted.connect(lambda: self._on_store.bring_back(Path(kept.path)))
        question.open()

    def _ask_empty(self) -> None:
        question = ConfirmDialog(
            "Start with an empty database",
            "A new, empty database is made. The backups stay, and can be restored later on this page. The record files "
            "are kept in quarantine; changes that wait for the database stay, and you are asked before they are sent.",
            confirm="Start empty",
            danger=True,
            parent=self,
        )
        question.accepted.connect(self._on_store.start_empty)
        question.open()

    def _ask_records(self) -> None:
        question = ConfirmDialog(
            "Use the records",
            "The database is made again from the record files in data/connections, with what waits in them.",
            confirm="Use the records",
            parent=self,
        )
        question.accepted.connect(self._on_store.use_records)
        question.open()

    def _ask_scrub(self, places: Sequence[str]) -> None:
        if not places:
            self.shell.messages.say("No secret is left in clear in this data folder.", level="ok")
            return
        question = ConfirmDialog(
            "Scrub plaintext secrets",
            "The secrets that CTS v3.1 kept in clear are overwritten in these places. The connections keep theirs, "
            "sealed by the vault; the keys of what was left out at the take-over are lost. This cannot be undone, and "
            "CTS v3.1 itself can then no longer use this folder.",
            confirm="Scrub these places",
            lines=places,
            danger=True,
            parent=self,
        )
        question.accepted.connect(self._on_store.scrub)
        question.open()
