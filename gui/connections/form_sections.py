"""The fields of a connection in groups, as a person thinks of them. They hold values; the dialog does the rest."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from gui.widgets.check_box import CheckBox
from gui.widgets.choice import RoundedCombo
from gui.widgets.color_field import ColorField
from gui.widgets.containers import CardFrame
from gui.widgets.form import FormField, SecretEdit
from gui.widgets.labels import PlainLabel, plain_caption
from gui.widgets.spin_box import DecimalBox, SpinBox
from models.connection_rules import MAX_LEVERAGE, MAX_VOLUME_FACTOR
from models.exchange import EXCHANGES, exchange_label

if TYPE_CHECKING:
    from models.connection import Connection

_WORDS = {"one_way": "One-way", "rest": "REST", "live": "Live", "websocket": "WebSocket"}
_MARGINS = ("cross", "isolated")
_MODES = ("one_way", "hedge")
_METHODS = ("rest", "websocket", "hybrid", "library")


class Section(CardFrame):
    """One group. `fields` are its FormFields by the entity's field name; `changed` comes with every edit."""

    changed = Signal()

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(title, parent)
        self.fields: dict[str, FormField] = {}

    def add(self, name: str, label: str, editor: QWidget, hint: str = "") -> None:
        self.fields[name] = field = FormField(label, editor, hint)
        self.body.addWidget(field)

    def beside(self, *names: str) -> None:
        """Put fields that were added into one row."""
        row = QHBoxLayout()
        row.setSpacing(12)
        for name in names:
            self.body.removeWidget(self.fields[name])
            row.addWidget(self.fields[name], 1, Qt.AlignmentFlag.AlignTop)
        self.body.addLayout(row)

    def add_switch(self, name: str, text: str, hint: str = "") -> CheckBox:
        """Add a check box; its text says what it switches, so it has no label above."""
        box = CheckBox(plain_caption(text))
        box.toggled.connect(lambda _on: self.changed.emit())
        self.fields[name] = field = FormField(text, box, hint, labelled=False)
        self.body.addWidget(field)
        return box


class AccountSection(Section):
    """Name, exchange, and what follows from the exchange."""

    exchange_changed = Signal(str)

    def __init__(self) -> None:
        super().__init__("Account")
        self.name = QLineEdit()
        self.name.textChanged.connect(lambda _text: self.changed.emit())
        self.exchange, self.account_type, self.environment = Choice(), Choice(), Choice()
        self.exchange.offer([(info.id, info.label) for info in EXCHANGES.values()])
        self.add("name", "Name", self.name)
        self.add("exchange", "Exchange", self.exchange)
        self.add("account_type", "Account type", self.account_type)
        self.add("environment", "Environment", self.environment)
        self.beside("account_type", "environment")
        self.enabled = self.add_switch("enabled", "Enabled", "Off: it stays in the list, and nothing uses it.")
        self._kept: dict[Choice, str] = {}
        self.exchange.chosen.connect(self._follow_exchange)
        for choice in (self.account_type, self.environment):
            choice.chosen.connect(lambda _value: self.changed.emit())

    def show_record(self, connection: "Connection | None") -> None:
        if connection is None:
            self.enabled.setChecked(True)
        else:
            self._kept = {
                self.account_type: connection.account_type.value,
                self.environment: connection.environment.value,
            }
            self.name.setText(connection.name)
            self.exchange.choose(connection.exchange, exchange_label(connection.exchange))
            self.enabled.setChecked(connection.enabled)
        self._follow_exchange(self.exchange.value())
        for choice, value in self._kept.items():
            choice.choose(value, _word(value))

    def values(self) -> dict[str, Any]:
        return {
            "name": self.name.text(),
            "exchange": self.exchange.value(),
            "account_type": self.account_type.value(),
            "environment": self.environment.value(),
            "enabled": self.enabled.isChecked(),
        }

    def _follow_exchange(self, exchange: str) -> None:
        info = EXCHANGES.get(exchange)
        for choice, known in (
            (self.account_type, info.account_types if info else ()),
            (self.environment, info.environments if info else ("live",)),
        ):
            kept = self._kept.get(choice)
            offered = [(value, _word(value)) for value in known]
            if kept is not None and kept not in known:
                offered.append((kept, f"{_word(kept)} (not known for {exchange_label(exchange)})"))
            choice.offer(offered)
        self.exchange_changed.emit(exchange)
        self.changed.emit()


class CredentialsSection(Section):
    """API key, secret and passphrase: what is stored is never shown, only that it is."""

    def __init__(self) -> None:
        super().__init__("Credentials")
        self._edits = {
            "api_key": SecretEdit(hidden=False),
            "api_secret": SecretEdit(hidden=True),
            "api_passphrase": SecretEdit(hidden=True),
        }
        self._passphrase_stored = False
        for name, label, hint in (
            ("api_key", "API key", ""),
            ("api_secret", "API secret", ""),
            ("api_passphrase", "API passphrase", "The one that was set when the key was made."),
        ):
            self.add(name, label, self._edits[name], hint)
            self._edits[name].changed.connect(self.changed.emit)
        self.advice = PlainLabel(tone="warning", wrap=True)
        self.advice.hide()
        self.body.addWidget(self.advice)
        note = PlainLabel("Encrypted before it is stored; shown to nobody again.", tone="muted", wrap=True)
        self.body.addWidget(note)

    def show_record(self, connection: "Connection | None", key_ending: str | None) -> None:
        if connection is None:
            return
        if connection.api_key_set:
            self._edits["api_key"].set_stored(f"set, ends in {key_ending}" if key_ending else "set")
        if connection.api_secret_set:
            self._edits["api_secret"].set_stored("set")
        if connection.api_passphrase_set:
            self._edits["api_passphrase"].set_stored("set")
        self._passphrase_stored = connection.api_passphrase_set

    def ask_again(self, names: Sequence[str]) -> None:
        """Say of which secrets a refused change had one: it cannot be shown, only typed again."""
        for name in names:
            self.fields[name].set_hint("The refused change had one. Type it again.")

    def follow_exchange(self, exchange: str) -> None:
        """Show the passphrase where the exchange asks for one, or where there is one."""
        info = EXCHANGES.get(exchange)
        needed = info is not None and info.needs_passphrase
        typed = self._edits["api_passphrase"].given()
        self.fields["api_passphrase"].setVisible(needed or typed or self._passphrase_stored)

    def values(self) -> dict[str, Any]:
        return {name: edit.value() for name, edit in self._edits.items() if edit.given()}

    def show_advice(self, sentences: tuple[str, ...]) -> None:
        self.advice.setText("\n".join(f"! {sentence}" for sentence in sentences))
        self.advice.setVisible(bool(sentences))


class TradingSection(Section):
    """How orders are sized and sent, and whether any may be sent at all."""

    def __init__(self) -> None:
        super().__init__("Trading")
        self.margin_type, self.position_mode, self.method = Choice(), Choice(), Choice()
        for choice, values in ((self.margin_type, _MARGINS), (self.position_mode, _MODES), (self.method, _METHODS)):
            choice.offer([(value, _word(value)) for value in values])
            choice.chosen.connect(lambda _value: self.changed.emit())
        self.leverage = SpinBox()
        self.leverage.setRange(0, MAX_LEVERAGE)
        self.leverage.setSpecialValueText("no limit")
        self.leverage.setSuffix("x")
        self.leverage.valueChanged.connect(lambda _value: self.changed.emit())
        self.volume = DecimalBox()
        self.volume.setDecimals(4)
        self.volume.setSingleStep(0.1)
        self.volume.setRange(0.0, MAX_VOLUME_FACTOR)
        self.volume.setValue(1.0)
        self.volume.valueChanged.connect(lambda _value: self.changed.emit())
        self.add("margin_type", "Margin", self.margin_type)
        self.add("position_mode", "Position mode", self.position_mode)
        self.beside("margin_type", "position_mode")
        self.add("leverage_limit", "Leverage limit", self.leverage)
        self.add("volume_factor", "Volume factor", self.volume, "Multiplies the size of every order.")
        self.beside("leverage_limit", "volume_factor")
        self.add("connection_method", "Connection method", self.method)
        self.live = self.add_switch(
            "live_trade",
            "Live trading",
            "CTS may send real orders with this connection. This program itself never sends an order.",
        )
        self.preset = self.add_switch(
            "preset_trade",
            "Preset trading",
            "CTS may also run its ready-made strategies, the presets, with this connection.",
        )
        self.active = self.add_switch(
            "active", "Active", "CTS works with this connection now. An enabled one that is not active only stands by."
        )
        self.predefined = self.add_switch(
            "predefined", "Predefined", "It was made from one of CTS's templates. A mark only: nothing follows from it."
        )

    def show_record(self, connection: "Connection | None") -> None:
        if connection is None:
            return
        self.margin_type.choose(connection.margin_type.value, "")
        self.position_mode.choose(connection.position_mode.value, "")
        self.method.choose(connection.connection_method.value, "")
        self.leverage.setValue(connection.leverage_limit or 0)
        self.volume.setDecimals(max(4, _decimals(connection.volume_factor)))
        self.volume.setValue(connection.volume_factor)
        for name, box in self._switches().items():
            box.setChecked(getattr(connection, name))

    def values(self) -> dict[str, Any]:
        return {
            "margin_type": self.margin_type.value(),
            "position_mode": self.position_mode.value(),
            "leverage_limit": self.leverage.value() or None,
            "volume_factor": self.volume.value(),
            "connection_method": self.method.value(),
            **{name: box.isChecked() for name, box in self._switches().items()},
        }

    def _switches(self) -> dict[str, CheckBox]:
        return {
            "live_trade": self.live,
            "preset_trade": self.preset,
            "active": self.active,
            "predefined": self.predefined,
        }


class NotesSection(Section):
    """What helps a person to find and to tell apart: tags, a colour, a note."""

    def __init__(self) -> None:
        super().__init__("Notes and tags")
        self.tags, self.color, self.note = QLineEdit(), ColorField(), QPlainTextEdit()
        self.note.setTabChangesFocus(True)
        self.note.setFixedHeight(70)
        self.tags.textChanged.connect(lambda _text: self.changed.emit())
        self.color.changed.connect(self.changed.emit)
        self.note.textChanged.connect(self.changed.emit)
        self.add("tags", "Tags", self.tags, "Separated by commas.")
        self.add("color", "Colour", self.color, "A mark beside the name.")
        self.add("note", "Note", self.note)

    def show_record(self, connection: "Connection | None") -> None:
        if connection is not None:
            self.tags.setText(", ".join(connection.tags))
            self.color.set_value(connection.color)
            self.note.setPlainText(connection.note)

    def values(self) -> dict[str, Any]:
        return {
            "tags": [tag.strip() for tag in self.tags.text().split(",") if tag.strip()],
            "color": self.color.value(),
            "note": self.note.toPlainText(),
        }


class Choice(RoundedCombo):
    """A closed list of (value, text). The wheel scrolls the form; it changes a choice only where one is being made."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)
        self.activated.connect(lambda _index: self.chosen.emit(self.value()))

    def offer(self, choices: list[tuple[str, str]]) -> None:
        """Offer these; the value chosen stays where it is among them, else the first is taken."""
        before = self.value()
        self.clear()
        for value, text in choices:
            self.addItem(text, value)
        self.setCurrentIndex(max(0, self.findData(before)))

    def choose(self, value: str, text: str) -> None:
        """Show a value; one that is not offered is added under `text`."""
        if self.findData(value) < 0:
            self.addItem(text or value, value)
        self.setCurrentIndex(self.findData(value))

    def value(self) -> str:
        return str(self.currentData() or "")


def _word(value: str) -> str:
    return _WORDS.get(value, value.capitalize())


def _decimals(number: float) -> int:
    """Return how many digits after the point a spin box needs to keep a stored number as it is."""
    text = f"{number:.12f}".rstrip("0")
    return len(text.partition(".")[2])


def stack(*sections: QWidget) -> QVBoxLayout:
    """Return sections below each other, at the top."""
    column = QVBoxLayout()
    column.setSpacing(12)
    for section in sections:
        column.addWidget(section)
    column.addStretch(1)
    return column
