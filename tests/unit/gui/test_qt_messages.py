"""Qt's messages come into the log, redacted, and no flood of them fills it."""

import logging

import pytest
from PySide6.QtCore import qInfo

from gui.qt_messages import QtMessages
from models.secret import Secret
from services.log import LogView


def test_messages_of_qt_are_in_the_log_without_secrets(capfd: pytest.CaptureFixture[str]) -> None:
    view, messages = LogView(), QtMessages()
    view.install()
    messages.install()
    secret = Secret("hunter2hunter2")
    try:
        qInfo(f"cannot show {secret.reveal()}")
        for _ in range(100):
            qInfo("the same with every paint")
    finally:
        messages.remove()
        view.close()
    said = [line.text for line in view.lines() if line.source == "gui.qt_messages"]
    assert said[0] == "Qt, default: cannot show ***"
    assert said[1:] == ["Qt, default: the same with every paint"] * 2 + [said[-1]]
    assert "not repeated" in said[-1]
    assert "hunter2" not in "".join(capfd.readouterr())


def test_what_shows_the_log_may_make_qt_complain() -> None:
    view, messages = LogView(), QtMessages()
    view.install()
    messages.install()
    view.subscribe(lambda line: qInfo(f"no room for line {line.number}"))
    try:
        logging.getLogger("services.test").warning("one line")
    finally:
        messages.remove()
        view.close()
    assert [line.text for line in view.lines()] == ["one line", "Qt, default: no room for line 1"]
