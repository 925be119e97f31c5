"""Qt without a screen, and without the line that its offscreen platform prints for every window and every tooltip."""

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PySide6.QtCore import QMessageLogContext, QtMsgType

_OF_NO_USE = "This plugin does not support propagateSizeHints()"


def use_offscreen() -> None:
    """Call it before the application is made."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from PySide6.QtCore import qInstallMessageHandler

    qInstallMessageHandler(_tell)


def _tell(_kind: "QtMsgType", _context: "QMessageLogContext", text: str) -> None:
    if text != _OF_NO_USE:
        print(text, file=sys.stderr)
