"""The columns of the list: their widths, which follow the window until a person sets one, and the order asked for."""

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QItemSelectionModel, QObject, Qt, Signal
from PySide6.QtWidgets import QHeaderView

from gui.connections.table_model import COLUMNS, ConnectionTableModel

_FLEXIBLE = {"name": (140, 0.58), "tags": (92, 0.42)}
"""Columns that share the free width: the least that they need, and their share."""
_TIGHT = {"exchange": 80, "account_type": 76, "environment": 98, "enabled": 67, "live_trade": 40, "updated_at": 88}
"""Where there is not room for all: still enough for every header and nearly every word."""
_GIVE_WAY = ("enabled", "tags", "updated_at", "account_type")
"""On a small screen these are hidden, in this order: the first column says the same, or the detail pane does."""
_WIDTHS = {column.key: column.width for column in COLUMNS}


class Columns(QObject):
    """Keeps the header of the list. `sort_wanted` carries a column and whether it descends."""

    sort_wanted = Signal(str, bool)

    def __init__(self, header: QHeaderView, model: ConnectionTableModel) -> None:
        super().__init__(header)
        self._header, self._model = header, model
        self._fitting = True
        self._set_up()

    def state(self) -> dict[str, Any]:
        header = self._header
        order = self._model.index_of
        # Columns that nobody moved go on fitting the window.
        numbered = () if self._fitting else enumerate(COLUMNS[:-1])
        widths = {column.key: header.sectionSize(number) for number, column in numbered}
        return {"widths": widths, "sort": order.column, "descending": order.descending}

    def restore(self, kept: Mapping[str, Any]) -> None:
        header = self._header
        widths = kept.get("widths")
        if widths:
            self._leave_widths()
        for number, column in enumerate(COLUMNS[:-1]):
            width = widths.get(column.key) if isinstance(widths, dict) else None
            if isinstance(width, int) and 30 <= width <= 2_000:
                header.resizeSection(number, width)
        keys = [column.key for column in COLUMNS]
        if kept.get("sort") in keys:
            descending = kept.get("descending") is True
            self._model.order_by(str(kept["sort"]), descending=descending)
            self._show_sort(keys.index(str(kept["sort"])), descending=descending)

    def fit(self, width: int) -> None:
        """Share the free width between name and tags, until a person sets a width; the others give way."""
        if not self._fitting:
            return
        header = self._header
        widths = _WIDTHS | {key: least for key, (least, _share) in _FLEXIBLE.items()}
        if sum(widths.values()) > width:
            widths |= _TIGHT
        for key in _GIVE_WAY:
            if sum(widths.values()) > width:
                del widths[key]
        flexible = {key: share for key, (_least, share) in _FLEXIBLE.items() if key in widths}
        free = max(0, width - sum(widths.values()))
        for key, share in flexible.items():
            widths[key] += int(free * share / sum(flexible.values()))
        # The name takes what rounding leaves: no column is stretched, since Qt would do it later, as a person would.
        widths["name"] += max(0, width - sum(widths.values()))
        header.sectionResized.disconnect(self._width_set)
        for number, column in enumerate(COLUMNS):
            header.setSectionHidden(number, column.key not in widths)
            if column.key in widths:
                header.resizeSection(number, widths[column.key])
        header.sectionResized.connect(self._width_set)

    def _width_set(self, _section: int, _before: int, _now: int) -> None:
        if self._fitting:
            self._leave_widths()

    def _leave_widths(self) -> None:
        """Fit nothing from now on. What gave way is shown again: who sets widths can scroll to the rest."""
        self._fitting = False
        self._header.setStretchLastSection(True)
        for number in range(len(COLUMNS)):
            if self._header.isSectionHidden(number):
                self._header.setSectionHidden(number, False)  # noqa: FBT003

    def _set_up(self) -> None:
        header = self._header
        header.setHighlightSections(False)
        # The view's own would be asked, at every paint, whether all of a column's rows are selected: 8 s for 100,000.
        header.setSelectionModel(QItemSelectionModel(self._model, header))
        header.setMinimumSectionSize(30)
        header.setSectionsMovable(True)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for number, column in enumerate(COLUMNS):
            header.resizeSection(number, column.width)
        header.setSectionsClickable(True)
        header.setSortIndicatorShown(True)
        self._show_sort(1, descending=False)
        header.sectionResized.connect(self._width_set)
        header.sectionClicked.connect(self._header_clicked)

    def _header_clicked(self, section: int) -> None:
        order = self._model.index_of
        key = COLUMNS[section].key
        descending = key == order.column and not order.descending
        self._show_sort(section, descending=descending)
        self.sort_wanted.emit(key, descending)

    def _show_sort(self, section: int, *, descending: bool) -> None:
        # Fusion draws an arrow that points down for what ascends; everywhere else that means the contrary.
        order = Qt.SortOrder.AscendingOrder if descending else Qt.SortOrder.DescendingOrder
        self._header.setSortIndicator(section, order)
