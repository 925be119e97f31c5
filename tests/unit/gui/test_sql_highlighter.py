"""SQL is tinted by what it is, over the ends of lines too."""

import pytest
from PySide6.QtGui import QColor, QTextDocument

from gui.database.sql_highlighter import SqlHighlighter

COLORS = {"keyword": QColor("#0000ff"), "text": QColor("#00aa00"), "number": QColor("#aa00aa"), "comment": QColor("#888888")}  # fmt: skip # noqa: E501


@pytest.mark.parametrize(
    ("sql", "wanted"),
    [
        ("SELECT a", [("SELECT", "keyword")]),
        ("x = 'it''s -- no comment'", [("'it''s -- no comment'", "text")]),
        ("a; -- SELECT 1", [("-- SELECT 1", "comment")]),
        ("/* one\ntwo */ DROP", [("/* one", "comment"), ("two */", "comment"), ("DROP", "keyword")]),
        ("take 0.6 of x1", [("0.6", "number"), ("of", "keyword")]),
    ],
)
def test_pieces(qapp: object, sql: str, wanted: list[tuple[str, str]]) -> None:
    document = QTextDocument(sql)
    SqlHighlighter(document).set_colors(COLORS)
    names = {color.name(): name for name, color in COLORS.items()}
    found = []
    block = document.begin()
    while block.isValid():
        for piece in block.layout().formats():
            text = block.text()[piece.start : piece.start + piece.length]
            found.append((text, names[piece.format.foreground().color().name()]))
        block = block.next()
    assert found == wanted
