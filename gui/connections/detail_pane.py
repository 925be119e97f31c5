"""What is selected, in words: one connection in full, or several with what can be done to all of them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from gui.connections.order_index import state_of
from gui.connections.table_model import state_words
from gui.theme import Theme
from gui.when import exact, since
from gui.widgets.buttons import Button
from gui.widgets.containers import KeyValueList
from gui.widgets.labels import ElidedLabel, PlainLabel, section_title
from gui.widgets.pill import Pill
from models.connection_row import ConnectionRow
from models.exchange import EXCHANGES, exchange_label

if TYPE_CHECKING:
    from models.connection import Connection

_STATE_PILLS = {
    "enabled": ("Enabled", "ok"),
    "disabled": ("Disabled", "neutral"),
    "incomplete": ("Incomplete", "warning"),
}


class DetailPane(QWidget):
    """Shows a row at once and the whole record when it comes. The signals say what a person wants done."""

    edit_wanted = Signal()
    duplicate_wanted = Signal()
    enable_wanted = Signal(bool)
    delete_wanted = Signal()
    changes_wanted = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("surface", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName("Selected connection")
        self.setMinimumWidth(250)
        self._shown: ConnectionRow | None = None
        self._heading = ElidedLabel(bold=True, factor=1.25)
        self._pills = (Pill(theme), Pill(theme), Pill(theme))
        self._summary = PlainLabel(tone="muted", wrap=True)
        self._mark = PlainLabel(wrap=True, selectable=True)
        self._mark.hide()
        self._look = Button("Open Database page", lambda: self.changes_wanted.emit(self._marked), tone="link")
        self._look.hide()
        self._marked = ""
        self._values = KeyValueList()
        self._note_title = section_title("Note")
        self._note = PlainLabel(wrap=True, selectable=True)
        self._extra_title = section_title("Other fields")
        self._extra = KeyValueList()
        self._edit = Button("Edit", self.edit_wanted.emit, hint="Ctrl+E")
        self._duplicate = Button("Duplicate", self.duplicate_wanted.emit, hint="Ctrl+D")
        self._enable = Button(
            "Enable",
            lambda: self.enable_wanted.emit(True),  # noqa: FBT003
            hint="Ctrl+T",
        )
        self._disable = Button(
            "Disable",
            lambda: self.enable_wanted.emit(False),  # noqa: FBT003
            hint="Ctrl+T",
        )
        self._delete = Button("Delete", self.delete_wanted.emit, tone="danger", hint="Delete; it can be undone")
        self._reason = PlainLabel(tone="muted", wrap=True)
        self._reason.hide()
        self._lay_out()
        self.show_rows(())

    def show_rows(self, rows: Sequence[ConnectionRow]) -> None:
        """Show none, one or several."""
        one = rows[0] if len(rows) == 1 else None
        if one is None or self._shown is None or one.id != self._shown.id:
            self._clear_record()
        self._shown = one
        self._body.setVisible(bool(rows))
        self._buttons.setVisible(bool(rows))
        self._nothing.setVisible(not rows)
        if one is not None:
            self._show_one(one)
        elif rows:
            self._show_several(rows)

    def set_reason(self, reason: str) -> None:
        """Disable what would change something, and say why beside it; "" enables it again."""
        for button in (self._edit, self._duplicate, self._enable, self._disable, self._delete):
            button.set_reason(reason)
        self._reason.setText("Read-only; the line above the list says why." if reason else "")
        self._reason.setVisible(bool(reason))

    def show_mark(self, mark: tuple[str, str] | None) -> None:
        """Say that a change of what is selected waits, was refused or conflicts; None where all is stored."""
        self._marked, text = mark or ("", "")
        self._mark.setText(text)
        self._mark.set_tone("accent" if self._marked == "waiting" else "error")
        self._mark.setVisible(bool(text))
        self._look.setVisible(bool(text))

    def show_record(self, connection: "Connection", key_ending: str | None) -> None:
        """Add what only the whole record knows; one that is not selected any more is passed over."""
        row = self._shown
        if row is None or row.id != connection.id:
            return
        leverage = connection.leverage_limit
        self._values.set("API key", _key_text(key_ending, is_set=connection.api_key_set))
        self._values.set(
            "Margin", f"{connection.margin_type.value}, {connection.position_mode.value.replace('_', '-')} mode"
        )
        self._values.set("Leverage limit", "none" if leverage is None else f"{leverage}x")
        self._values.set("Volume factor", f"{connection.volume_factor:g}")
        self._values.set("Method", connection.connection_method.value)
        self._values.set("Created", exact(connection.created_at.isoformat()))
        self._note.setText(connection.note)
        self._extra.fill([(str(key), str(value)) for key, value in list(connection.extra.items())[:30]])
        for widget, shown in (
            (self._note, connection.note),
            (self._note_title, connection.note),
            (self._extra, connection.extra),
            (self._extra_title, connection.extra),
        ):
            widget.setVisible(bool(shown))

    def _show_one(self, row: ConnectionRow) -> None:
        self._heading.set_text(row.name)
        word, tone = _STATE_PILLS[state_of(row)]
        live = row.environment == "live"
        self._pills[0].set(word, tone)
        self._pills[1].set("LIVE" if live else row.environment, "live" if live else "neutral")
        self._pills[2].set("trades" if row.live_trade else "", "live")
        self._summary.setText(state_words(row) + "." if state_of(row) == "incomplete" else "")
        self._summary.setVisible(bool(self._summary.text()))
        values = self._values
        values.set("Exchange", f"{exchange_label(row.exchange)}, {row.account_type} account")
        # The ending of the key comes with the record; until then a known one stays.
        if not row.api_key_set or not values.value("API key"):
            values.set("API key", _key_text(None, is_set=row.api_key_set))
        values.set("Secret", "set, sealed" if row.api_secret_set else "not set")
        info = EXCHANGES.get(row.exchange)
        if row.api_passphrase_set or (info is not None and info.needs_passphrase):
            values.set("Passphrase", "set, sealed" if row.api_passphrase_set else "not set")
        for key in ("Margin", "Leverage limit", "Volume factor", "Method"):
            if not values.value(key):
                values.set(key, "…")
        values.set("Live trade", "on: may send real orders" if row.live_trade else "off")
        values.set("Preset trade", "on" if row.preset_trade else "off")
        values.set("Tags", ", ".join(row.tags) or "none")
        values.set("Revision", str(row.revision))
        if not values.value("Created"):
            values.set("Created", "…")
        values.set("Updated", since(row.updated_at))
        self._edit.show()
        self._duplicate.show()
        self._enable.setVisible(not row.enabled)
        self._disable.setVisible(row.enabled)

    def _show_several(self, rows: Sequence[ConnectionRow]) -> None:
        # Plain lists and counts: Ctrl+A may select 100,000.
        enabled = [row.enabled for row in rows].count(True)
        live = [row.environment for row in rows].count("live")
        trading = [row.live_trade for row in rows].count(True)
        exchanges = sorted(map(exchange_label, {row.exchange for row in rows}))
        self._heading.set_text(f"{len(rows):,} connections")
        for pill in self._pills:
            pill.set("", "neutral")
        self._summary.setText("What is done here is done to all of them.")
        self._summary.show()
        self._values.fill(
            [
                ("Enabled", f"{enabled:,}"),
                ("Disabled", f"{len(rows) - enabled:,}"),
                ("Live", f"{live:,}"),
                ("Trade live", f"{trading:,}"),
                ("Exchanges", ", ".join(exchanges)),
            ]
        )
        self._edit.hide()
        self._duplicate.show()
        self._enable.setVisible(enabled < len(rows))
        self._disable.setVisible(enabled > 0)

    def _clear_record(self) -> None:
        self._values.clear()
        self._extra.clear()
        for widget in (self._note, self._note_title, self._extra, self._extra_title):
            widget.hide()

    def _lay_out(self) -> None:
        pills = QHBoxLayout()
        pills.setSpacing(8)
        for pill in self._pills:
            pills.addWidget(pill)
        pills.addStretch(1)
        inner = QWidget()
        inner.setProperty("surface", "panel")
        column = QVBoxLayout(inner)
        column.setContentsMargins(18, 16, 18, 12)
        column.setSpacing(10)
        column.addWidget(self._heading)
        column.addLayout(pills)
        column.addWidget(self._summary)
        column.addWidget(self._mark)
        column.addWidget(self._look, 0, Qt.AlignmentFlag.AlignLeft)
        column.addSpacing(2)
        column.addWidget(self._values)
        for widget in (self._note_title, self._note, self._extra_title, self._extra):
            column.addWidget(widget)
        column.addStretch(1)
        self._body = QScrollArea()
        self._body.setWidget(inner)
        self._body.setWidgetResizable(True)
        self._body.setFrameShape(QFrame.Shape.NoFrame)
        self._body.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._body.setAccessibleName("Details")
        self._nothing = PlainLabel("Select a connection to see its details.", tone="muted", wrap=True)
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._nothing.setContentsMargins(24, 24, 24, 24)
        self._buttons = self._button_rows()
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(self._body, 1)
        outer.addWidget(self._nothing, 1)
        outer.addWidget(self._buttons)

    def _button_rows(self) -> QWidget:
        holder = QWidget()
        rows = QVBoxLayout(holder)
        rows.setContentsMargins(18, 8, 18, 14)
        rows.setSpacing(8)
        rows.addWidget(self._reason)
        for buttons in ((self._edit, self._duplicate), (self._enable, self._disable, self._delete)):
            row = QHBoxLayout()
            row.setSpacing(8)
            for button in buttons:
                row.addWidget(button, 1)
            rows.addLayout(row)
        return holder


def _key_text(ending: str | None, *, is_set: bool) -> str:
    if not is_set:
        return "not set"
    return f"set, ends in {ending}" if ending else "set"
