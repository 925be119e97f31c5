"""What an import would do, record by record, before it does it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from gui.widgets.buttons import Button
from gui.widgets.dialogs import PlainDialog
from models.exchange import exchange_label

if TYPE_CHECKING:
    from models.status import ImportItem

_ACTIONS = {"add": "Add", "skip": "Skip", "refuse": "Refuse"}
_LISTED = 5_000


class ImportDialog(PlainDialog):
    """`accepted` means: do it. Nothing is stored before."""

    def __init__(self, items: "Sequence[ImportItem]", parent: QWidget | None = None) -> None:
        added = sum(item.action == "add" for item in items)
        left = len(items) - added
        text = f"{added:,} will be added" + (f", {left:,} left out." if left else ".")
        if len(items) > _LISTED:
            text += f" The first {_LISTED:,} are listed."
        super().__init__("Import connections", text if items else "The files hold no connection.", parent)
        self.table = self._build_table(items[:_LISTED])
        self.body.addWidget(self.table, 1)
        self.table.setVisible(bool(items))
        self.confirm = Button(f"Import {added:,}" if added else "Import", self.accept, tone="primary")
        self.confirm.setEnabled(added > 0)
        self.buttons.addWidget(Button("Cancel", self.reject))
        self.buttons.addWidget(self.confirm)
        self.resize(760, 460 if items else 160)

    @staticmethod
    def _build_table(items: "Sequence[ImportItem]") -> QTableWidget:
        table = QTableWidget(len(items), 4)
        table.setAccessibleName("Connections in the files")
        table.setHorizontalHeaderLabels(["", "Name", "Exchange", "What will happen"])
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setShowGrid(False)
        table.setTabKeyNavigation(False)
        table.verticalHeader().hide()
        table.setWordWrap(False)
        header = table.horizontalHeader()
        header.setSectionResizeMode(3, QHeaderView.ResizeMode.Stretch)
        header.setHighlightSections(False)
        for column, width in enumerate((64, 220, 110)):
            table.setColumnWidth(column, width)
        for number, item in enumerate(items):
            sentence = " ".join((item.sentence, *item.advice)).strip()
            texts = (_ACTIONS.get(item.action, item.action), item.name, exchange_label(item.exchange), sentence)
            for column, text in enumerate(texts):
                table.setItem(number, column, QTableWidgetItem(text))
        return table
