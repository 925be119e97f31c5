"""Parts of a form: a field with its label, its hint and its error; a secret that can be set and never read."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from gui.widgets.buttons import Button
from gui.widgets.color_field import ColorField
from gui.widgets.labels import PlainLabel, repolish, show_part


class FormField(QWidget):
    """A label over an editor, below it what is wrong with it, or a hint."""

    def __init__(self, label: str, editor: QWidget, hint: str = "", *, labelled: bool = True) -> None:
        super().__init__()
        self.editor = editor
        self._hint = hint
        self._target = editor.input if isinstance(editor, SecretEdit | ColorField) else editor
        editor.setAccessibleName(label)
        self._target.setAccessibleName(label)
        self._target.setAccessibleDescription(hint)
        if isinstance(editor, SecretEdit):
            editor.name_buttons(label)
        self._below = PlainLabel(hint, tone="muted", wrap=True)
        show_part(self._below, shown=bool(hint))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(3)
        if labelled:
            # A check box carries its own words.
            name = PlainLabel(label, tone="muted")
            name.setBuddy(editor)
            column.addWidget(name)
        column.addWidget(editor)
        column.addWidget(self._below)

    def set_hint(self, text: str) -> None:
        """Say something else below the field; an error that stands there goes."""
        self._hint = text
        self.set_error("")

    def set_error(self, text: str) -> None:
        """Show what is wrong at the field itself; "" takes it away."""
        wrong = "true" if text else "false"
        self._below.setText(text or self._hint)
        self._below.set_tone("error" if text else "muted")
        self._below.setVisible(bool(text or self._hint))
        target = self._target
        target.setAccessibleDescription(text or self._hint)
        if (target.property("wrong") or "false") != wrong:
            target.setProperty("wrong", wrong)
            repolish(target)

    @property
    def error(self) -> str:
        return self._below.text() if self._below.property("tone") == "error" else ""


class SecretEdit(QWidget):
    """A secret that is only ever written: it says whether one is set, and takes a new one or clears it.

    `given()` is False while nothing was asked for; then the stored one stays. `value()` is the new text, or None.
    """

    changed = Signal()

    def __init__(self, *, hidden: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._stored = False
        self._stored_text = ""
        self._mode = "type"
        self.input = QLineEdit()
        self.input.setMaxLength(8_192)
        if hidden:
            self.input.setEchoMode(QLineEdit.EchoMode.Password)
        self.input.textChanged.connect(lambda _text: self.changed.emit())
        self._state = PlainLabel(selectable=True)
        self._replace = Button("Replace", self._begin_replacing)
        self._clear = Button("Clear", self._begin_clearing)
        self._keep = Button("Keep the old one", self._begin_keeping, tone="link")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(self.input, 1)
        row.addWidget(self._state, 1)
        for button in (self._replace, self._clear, self._keep):
            row.addWidget(button)
        self._show()

    def set_stored(self, text: str) -> None:
        """Say what is stored, without any of it: "set, ends in 4f2c"; "" where nothing is."""
        self._stored = bool(text)
        self._stored_text = text
        self._mode = "keep" if text else "type"
        self.input.setPlaceholderText("" if text else "not set")
        self._show()

    def name_buttons(self, name: str) -> None:
        """Tell a screen reader which secret each button is for."""
        for button in (self._replace, self._clear):
            button.setAccessibleName(f"{button.text()} {name}")
        self._keep.setAccessibleName(f"Keep the stored {name}")

    def given(self) -> bool:
        return self._mode == "clear" or (self._mode == "type" and bool(self.input.text().strip()))

    def value(self) -> str | None:
        return None if self._mode == "clear" else self.input.text()

    def _begin_replacing(self) -> None:
        self._mode = "type"
        self._show()
        self.input.setFocus()
        self.changed.emit()

    def _begin_clearing(self) -> None:
        self._mode = "clear"
        self._show()
        self._keep.setFocus()
        self.changed.emit()

    def _begin_keeping(self) -> None:
        self._mode = "keep"
        self.input.clear()
        self._show()
        self._replace.setFocus()
        self.changed.emit()

    def _show(self) -> None:
        mode = self._mode
        self.input.setVisible(mode == "type")
        self._state.setVisible(mode != "type")
        self._state.setText("will be cleared" if mode == "clear" else self._stored_text)
        self._replace.setVisible(mode == "keep")
        self._clear.setVisible(mode == "keep")
        self._keep.setVisible(self._stored and mode != "keep")
        self.setFocusProxy(self.input if mode == "type" else self._replace if mode == "keep" else self._keep)
