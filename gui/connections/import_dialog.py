"""What an import would do, record by record, before it does it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from gui.theme import Theme
from gui.widgets.buttons import Button
from gui.widgets.dialogs import PlainDialog
from gui.widgets.labels import PlainLabel
from gui.widgets.line_model import MARK_ROLE, TONE_ROLE, Cell, LineModel
from gui.widgets.toned_table import TonedTable
from models.exchange import exchange_label

if TYPE_CHECKING:
    from models.status import ImportItem

_ACTIONS = {"add": ("+", "ok", "Add"), "skip": ("\N{EN DASH}", "muted", "Skip"), "refuse": ("✕", "error", "Refuse")}
_WIDTHS = {0: 84, 1: 220, 2: 110}
_LISTED = 5_000


class ImportDialog(PlainDialog):
    """`accepted` means: do it. Nothing is stored before."""

    def __init__(self, theme: Theme, items: "Sequence[ImportItem]", parent: QWidget | None = None) -> None:
        added = sum(item.action == "add" for item in items)
        left = len(items) - added
        text = f"{added:,} will be added" + (f", {left:,} left out." if left else ".")
        if len(items) > _LISTED:
            text += f" The first {_LISTED:,} are listed."
        super().__init__("Import connections", text if items else "The files hold no connection.", parent)
        self.model = LineModel(("", "Name", "Exchange", "What will happen"), _cells, id, self)
        self.model.set_items(items[:_LISTED])
        self.table = TonedTable(theme, TONE_ROLE, MARK_ROLE, name="Connections in the files")
        self.table.setModel(self.model)
        self.table.set_widths(_WIDTHS, stretch=3)
        self.whole = PlainLabel(wrap=True, selectable=True)
        self.body.addWidget(self.table, 1)
        self.body.addWidget(self.whole)
        self.table.setVisible(bool(items))
        self.whole.setVisible(bool(items))
        self.table.selectionModel().currentRowChanged.connect(lambda now, _before: self._show_whole(now.row()))
        self.table.selectRow(0)
        self.confirm = Button(f"Import {added:,}" if added else "Import", self.accept, tone="primary")
        self.confirm.set_reason("" if added else "Nothing in these files can be added.")
        self.buttons.addWidget(Button("Cancel", self.reject))
        self.buttons.addWidget(self.confirm)
        self.resize(760, 460 if items else 160)

    def _show_whole(self, row: int) -> None:
        """Say in full what happens to the selected one: a sentence may be longer than its cell."""
        item = self.model.item_at(row)
        self.whole.setText(_sentence(item) if item is not None else "")


def _cells(item: "ImportItem") -> tuple[Cell, ...]:
    sign, tone, word = _ACTIONS.get(item.action, ("", "text", item.action))
    sentence = _sentence(item)
    name = Cell(item.name) if item.name else Cell("no name", "muted")
    return (
        Cell(word, mark=(sign, tone)),
        name,
        Cell(exchange_label(item.exchange), "muted"),
        Cell(sentence, "error" if item.action == "refuse" else "warning" if item.advice else ""),
    )


def _sentence(item: "ImportItem") -> str:
    return " ".join((item.sentence, *item.advice)).strip()
