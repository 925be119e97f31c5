"""Reads SQL: a read-only monospace text with a light tint that follows the theme."""

from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from gui.database.sql_highlighter import SqlHighlighter
from gui.theme import Theme

_TOKENS = {"keyword": "accent", "text": "ok", "number": "live", "comment": "faint"}


class SqlView(QPlainTextEdit):
    """Shows one text of SQL at a time. Tab leaves it; its text can be selected and copied."""

    def __init__(self, theme: Theme, name: str = "SQL", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setReadOnly(True)
        self.setTabChangesFocus(True)
        self.setAccessibleName(name)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self._highlighter = SqlHighlighter(self.document())
        theme.changed.connect(self._follow)
        self._follow()

    def show_sql(self, sql: str) -> None:
        if sql != self.toPlainText():
            self.setPlainText(sql)

    def _follow(self) -> None:
        self._highlighter.set_colors({kind: self._theme.color(token) for kind, token in _TOKENS.items()})
