"""Secrets on the clipboard: there for ten seconds, and taken away only while they are still ours."""

import hashlib
import hmac
from typing import Final

from PySide6.QtCore import QCoreApplication, QMimeData, QObject, QTimer
from PySide6.QtGui import QGuiApplication

from models.secret import Secret

SECONDS: Final = 10
# Clipboard managers that know these leave the content out of their history.
_PRIVATE = {"x-kde-passwordManagerHint": b"secret", "ExcludeClipboardContentFromMonitorProcessing": b"1"}


class SecretOnClipboard(QObject):
    """One copied secret. Keeps its digest only, to tell whether the clipboard still holds it."""

    def __init__(self, secret: Secret, seconds: float = SECONDS, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._digest = _digest(secret.reveal())
        data = QMimeData()
        data.setText(secret.reveal())
        for form, value in _PRIVATE.items():
            data.setData(form, value)
        QGuiApplication.clipboard().setMimeData(data)
        # A child, so that it goes with this: a bare single shot would outlive it.
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.timeout.connect(self.take_away)
        timer.start(int(seconds * 1000))

    def take_away(self) -> None:
        """Clear the clipboard, unless something else has been copied since."""
        clipboard = QGuiApplication.clipboard()
        if hmac.compare_digest(_digest(clipboard.text()), self._digest):
            clipboard.clear()
        self.deleteLater()


def copy_secret(secret: Secret) -> SecretOnClipboard:
    """Copy a secret for ten seconds, or until the program ends."""
    app = QCoreApplication.instance()
    copied = SecretOnClipboard(secret, parent=app)
    if app is not None:
        app.aboutToQuit.connect(copied.take_away)
    return copied


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
