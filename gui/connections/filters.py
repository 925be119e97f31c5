"""The row above the list: what narrows it, how many are left, and the way back to all of them."""

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from gui.connections.order_index import Filters, OrderIndex
from gui.widgets.buttons import Button
from gui.widgets.fields import FilterChip
from gui.widgets.labels import PlainLabel
from models.exchange import exchange_label

_STATES = (
    ("enabled", "Enabled"),
    ("disabled", "Disabled"),
    ("incomplete", "Credentials not complete"),
    ("live", "May trade live"),
)
_MARKED = {"waiting": "Waiting for the database", "conflict": "In conflict", "refused": "Refused by the database"}

_LONGEST = 100


class _Count(PlainLabel):
    """Where it does not fit, it says nothing rather than half of it; rail and status bar count too."""

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.width() >= self.sizeHint().width():
            super().paintEvent(event)


class FilterRow(QWidget):
    """Emits `changed` with the Filters, without the text that the search field gives."""

    changed = Signal()
    cleared = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.exchange = FilterChip("Exchange", "All exchanges")
        self.state = FilterChip("State", "Any state")
        self.environment = FilterChip("Environment", "Any environment")
        self.tag = FilterChip("Tag", "Any tag")
        self.clear_button = Button(
            "Clear filters", self.cleared.emit, tone="link", hint="Show every connection (Escape)"
        )
        self.clear_button.hide()
        self.count = _Count(tone="muted")
        self._stale = True
        self._index: OrderIndex | None = None
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(10)
        for chip in self._chips():
            row.addWidget(chip)
            chip.chosen.connect(lambda _value: self.changed.emit())
            chip.pressed.connect(self._offer)
        row.addWidget(self.clear_button)
        self.count.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.count.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self.count, 1)
        self.state.set_choices(_STATES)

    def filters(self, text: str) -> Filters:
        return Filters(text.strip(), self.exchange.value, self.environment.value, self.state.value, self.tag.value)

    def reset(self) -> None:
        for chip in self._chips():
            chip.choose("")

    def choices(self) -> dict[str, Any]:
        """Return what is chosen and worth keeping; what waits or conflicts is over by the next start."""
        kept = {name: chip.value for name, chip in self._named() if chip.value not in _MARKED}
        return {"filters": {name: value for name, value in kept.items() if value}}

    def restore(self, kept: Mapping[str, Any]) -> None:
        filters = kept.get("filters")
        for name, chip in self._named():
            value = filters.get(name) if isinstance(filters, dict) else None
            known = name != "state" or value in dict(_STATES)
            if isinstance(value, str) and known and len(value) <= _LONGEST:
                chip.choose(value)

    def show_counts(self, index: OrderIndex) -> None:
        """Say how many are shown; what the chips offer is looked up when one is opened."""
        self._index = index
        total, shown = len(index), len(index.visible)
        noun = "connection" if total == 1 else "connections"
        text = f"{total:,} {noun}" if index.filters.is_open() else f"{shown:,} of {total:,} {noun}"
        self.count.setText(text)
        self.clear_button.setVisible(not index.filters.is_open())

    def _offer(self) -> None:
        index = self._index
        if index is None:
            return
        kinds = [kind for kind, _text in index.marks.values()]
        # What there is none of is not offered, unless it is chosen.
        marked = [
            (kind, f"{text} ({kinds.count(kind):,})")
            for kind, text in _MARKED.items()
            if kind in kinds or kind == self.state.value
        ]
        self.state.set_choices([*_STATES, *marked])
        exchanges = index.values("exchange")
        self.exchange.set_choices(
            [
                (value, f"{exchange_label(value)} ({exchanges[value]:,})")
                for value in sorted(exchanges, key=exchange_label)
            ]
        )
        environments = index.values("environment")
        self.environment.set_choices([(value, f"{value} ({environments[value]:,})") for value in sorted(environments)])
        tags = index.values("tags")
        self.tag.set_choices([(value, f"{value} ({tags[value]:,})") for value in sorted(tags, key=str.casefold)[:200]])

    def _chips(self) -> tuple[FilterChip, ...]:
        return tuple(chip for _name, chip in self._named())

    def _named(self) -> tuple[tuple[str, FilterChip], ...]:
        return (
            ("exchange", self.exchange),
            ("state", self.state),
            ("environment", self.environment),
            ("tag", self.tag),
        )
