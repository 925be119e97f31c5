"""Qt's own messages go into the log, redacted like everything else: Qt would write them to standard error in clear."""

import logging
import threading
from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler

_LEVELS: Final = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}
_REPEATS: Final = 3
_KINDS: Final = 500

_log = logging.getLogger(__name__)


class QtMessages:
    """Takes Qt's messages over while it is installed; a handler that was there before hears them too."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}
        self._before: Callable[[QtMsgType, QMessageLogContext, str], object] | None = None
        self._busy = threading.local()

    def install(self) -> None:
        self._before = qInstallMessageHandler(self._take)

    def remove(self) -> None:
        qInstallMessageHandler(self._before)

    def _take(self, kind: QtMsgType, context: QMessageLogContext, text: str) -> None:
        # What shows the log may itself make Qt complain: the second message would make a third.
        if not getattr(self._busy, "now", False):
            self._busy.now = True
            try:
                self._write(kind, context, text)
            finally:
                self._busy.now = False
        if self._before is not None:
            self._before(kind, context, text)

    def _write(self, kind: QtMsgType, context: QMessageLogContext, text: str) -> None:
        # A message of the painting comes with every paint; a few of them say all.
        times = self._seen.get(text, 0)
        if times >= _REPEATS or (not times and len(self._seen) >= _KINDS):
            return
        self._seen[text] = times + 1
        category = context.category or "default"
        ending = " (It is not repeated here.)" if times + 1 == _REPEATS else ""
        _log.log(_LEVELS.get(kind, logging.WARNING), "Qt, %s: %s%s", category, text, ending)
