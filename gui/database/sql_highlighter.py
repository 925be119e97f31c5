"""A light tint for SQL: keywords, texts, numbers, comments. Reading aid only, so a few expressions are enough."""

import re
from typing import Final

from PySide6.QtGui import QColor, QSyntaxHighlighter, QTextCharFormat, QTextDocument

_KEYWORDS = (
    "ADD ALTER AND AS ASC BEGIN BETWEEN BIGINT BLOB BOOLEAN BY CASCADE CASE CHECK COLUMN COMMIT CONFLICT CONSTRAINT "
    "CREATE CURRENT_TIMESTAMP DEFAULT DELETE DESC DISTINCT DO DROP EACH ELSE END EXECUTE EXISTS FALSE FOR FOREIGN FROM "
    "FUNCTION GROUP HAVING IF IN INDEX INNER INSERT INTEGER INTO IS JOIN KEY LANGUAGE LEFT LIKE LIMIT NEW NOT NOTHING "
    "NULL NUMERIC OF OLD ON OR ORDER OUTER PRIMARY REAL REFERENCES REPLACE RETURNS ROW SELECT SERIAL SET TABLE TEXT "
    "THEN TIMESTAMP TIMESTAMPTZ TRIGGER TRUE UNIQUE UPDATE USING VALUES VIEW WHEN WHERE WITH WITHOUT"
)
_TOKEN: Final = re.compile(
    r"(?P<comment>--[^\n]*|/\*.*?(?:\*/|$))"
    r"|(?P<text>'(?:[^']|'')*(?:'|$))"
    r"|(?P<number>\b\d+(?:\.\d+)?\b)"
    rf"|(?P<keyword>\b(?:{_KEYWORDS.replace(' ', '|')})\b)",
    re.IGNORECASE,
)
_IN_COMMENT: Final = 1


class SqlHighlighter(QSyntaxHighlighter):
    """Tints a document. `set_colors` takes keyword, text, number and comment by name and tints anew."""

    def __init__(self, document: QTextDocument) -> None:
        super().__init__(document)
        self._formats: dict[str, QTextCharFormat] = {}

    def set_colors(self, colors: dict[str, QColor]) -> None:
        self._formats = {}
        for name, color in colors.items():
            shape = QTextCharFormat()
            shape.setForeground(color)
            self._formats[name] = shape
        self.rehighlight()

    def highlightBlock(self, text: str) -> None:  # noqa: N802 - Qt's name
        start = 0
        if self.previousBlockState() == _IN_COMMENT:
            end = text.find("*/")
            start = len(text) if end < 0 else end + 2
            self._tint(0, start, "comment")
            if end < 0:
                self.setCurrentBlockState(_IN_COMMENT)
                return
        self.setCurrentBlockState(0)
        for match in _TOKEN.finditer(text, start):
            kind = match.lastgroup or ""
            self._tint(match.start(), match.end() - match.start(), kind)
            if match.group().startswith("/*") and not match.group().endswith("*/"):
                self.setCurrentBlockState(_IN_COMMENT)

    def _tint(self, start: int, length: int, kind: str) -> None:
        if kind in self._formats:
            self.setFormat(start, length, self._formats[kind])
