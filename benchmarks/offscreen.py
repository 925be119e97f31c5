"""Qt without a screen, and without the line that its offscreen platform prints for every window and every tooltip."""

import gc
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


def run_as_the_program() -> None:
    """Let Python share itself out and collect garbage as gui/app.py and gui/program.py do once they have started."""
    from gui.program import SWITCH_SECONDS

    gc.collect()
    gc.freeze()
    gc.set_threshold(*gc.get_threshold()[:2], 1 << 30)
    sys.setswitchinterval(SWITCH_SECONDS)
