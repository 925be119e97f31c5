"""The Settings page over a real settings file and a real vault, and secrets on the clipboard (F59)."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QSignalSpy, QTest
from PySide6.QtWidgets import QApplication

from gui.clipboard import SecretOnClipboard
from gui.settings.page import SettingsPage
from gui.settings.vault_dialogs import PassphraseDialog, RecoveryKeyDialog
from gui.widgets.dialogs import ConfirmDialog
from models.secret import Secret
from tests.canary import make_canary
from tests.e2e.program import SOURCE
from tests.window_kit import Desk, desk, desk_on  # noqa: F401 - desk is a fixture

WORDS = make_canary()


def stored(desk: Desk) -> dict[str, object]:  # noqa: F811
    found: dict[str, object] = json.loads((desk.core.data_folder / "settings.json").read_text())
    return found


def test_a_change_is_in_force_and_in_the_file_at_once(desk: Desk) -> None:  # noqa: F811
    async def scene() -> None:
        page = await desk.open(SettingsPage)
        assert page.folder.label.text() == str(desk.core.data_folder)
        page.theme_choice.set_value("dark")
        page.theme_choice.picked.emit("dark")
        await desk.until(lambda: desk.theme.dark)
        page.backups_kept.setValue(9)
        await desk.until(lambda: desk.core.settings.current.backups_kept == 9)
        assert (stored(desk)["theme"], stored(desk)["backups_kept"]) == ("dark", 9)
        page.log_level.picked.emit("ERROR")
        await desk.until(lambda: desk.core.settings.current.log_level == "ERROR")
        page.theme_choice.picked.emit("light")
        await desk.until(lambda: not desk.theme.dark)

    desk.run(scene())


def test_a_refused_change_keeps_the_old_value_and_says_why(desk: Desk) -> None:  # noqa: F811
    async def scene() -> None:
        page = await desk.open(SettingsPage)
        # A folder where the file belongs: nobody can write there, not even root.
        (desk.core.data_folder / "settings.json").mkdir()
        page.density.set_value("compact")
        page.density.picked.emit("compact")
        await desk.until(page.rows["density"].refusal.text)
        assert page.density.value == "comfortable"
        assert desk.core.settings.current.density == "comfortable"

    desk.run(scene())


def test_a_damaged_settings_file_is_named(qapp: QApplication, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "settings.json").write_bytes("{}".encode("utf-16"))
    with desk_on(qapp, data) as desk:  # noqa: F811

        async def scene() -> None:
            page = await desk.open(SettingsPage)
            await desk.until(page.file_problem.isVisible)
            assert "settings.json" in page.file_problem.text()

        desk.run(scene())


def test_a_passphrase_and_a_recovery_key(desk: Desk) -> None:  # noqa: F811
    async def scene() -> None:
        page = await desk.open(SettingsPage)
        await desk.until(lambda: page.vault.place.text() == "Key beside the data")
        page.vault.passphrase.click()
        dialog = await desk.dialog(PassphraseDialog)
        dialog.first.setText("short")
        dialog.second.setText("other")
        dialog.confirm.click()
        assert dialog.refusal.text() == "The two are not the same."
        dialog.second.setText("short")
        dialog.confirm.click()
        await desk.until(lambda: "too short" in dialog.refusal.text())
        for field in (dialog.first, dialog.second):
            field.setText(WORDS)
        await desk.until(dialog.confirm.isEnabled)
        dialog.confirm.click()
        await desk.until(lambda: page.vault.place.text() == "Passphrase")
        assert not (desk.core.data_folder / "vault.key").exists()
        await desk.until(page.vault.recovery.isEnabled)
        page.vault.recovery.click()
        (await desk.dialog(ConfirmDialog)).confirm.click()
        shown = await desk.dialog(RecoveryKeyDialog)
        assert len(shown.field.text()) > 20
        shown.done_button.click()
        await desk.idle()

    desk.run(scene())


def test_a_vault_whose_key_is_lost_is_begun_anew(qapp: QApplication, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with desk_on(qapp, data) as desk:  # noqa: F811
        desk.run(desk.start())
    (data / "vault.key").unlink()
    with desk_on(qapp, data) as desk:

        async def scene() -> None:
            page = await desk.open(SettingsPage)
            await desk.until(page.vault.anew.isVisible)
            page.vault.anew.click()
            (await desk.dialog(ConfirmDialog)).confirm.click()
            await desk.until(lambda: not page.vault.anew.isVisible())
            await desk.until(page.vault.passphrase.isEnabled)
            assert any("Enter the secrets" in message.text for message in desk.said)
            saved = desk.core.connections.add(
                {"name": "One", "exchange": "bybit", "api_key": "k" * 20, "api_secret": "s"}
            )
            assert saved.row.name == "One"

        desk.run(scene())


def test_a_copied_secret_leaves_the_clipboard_only_while_it_is_ours(qapp: QApplication) -> None:
    clipboard = qapp.clipboard()
    copied = SecretOnClipboard(Secret(WORDS), seconds=60)
    assert clipboard.text() == WORDS
    copied.take_away()
    assert clipboard.text() == ""
    copied = SecretOnClipboard(Secret(WORDS), seconds=60)
    clipboard.setText("something else")
    gone = QSignalSpy(copied.destroyed)
    copied.take_away()
    assert clipboard.text() == "something else"
    # Its timer goes with it.
    assert gone.count() or gone.wait(5_000)


def test_the_clipboard_is_cleared_by_itself(qapp: QApplication) -> None:
    copied = SecretOnClipboard(Secret(WORDS), seconds=0.05)
    gone = QSignalSpy(copied.destroyed)
    assert qapp.clipboard().text() == WORDS
    assert gone.wait(5_000)
    assert qapp.clipboard().text() == ""


def test_a_recovery_key_is_copied_in_the_one_way_that_clears_the_clipboard(qapp: QApplication) -> None:
    clipboard = qapp.clipboard()
    clipboard.setText("before")
    dialog = RecoveryKeyDialog(Secret("ABCD-EFGH-2345"))
    dialog.show()
    dialog.activateWindow()
    assert QTest.qWaitForWindowActive(dialog)
    QTest.mouseDClick(dialog.field, Qt.MouseButton.LeftButton)
    for key in (Qt.Key.Key_A, Qt.Key.Key_X):
        QTest.keyClick(dialog, key, Qt.KeyboardModifier.ControlModifier)
    assert clipboard.text() == "before"
    assert not clipboard.supportsSelection() or "ABCD" not in clipboard.text(clipboard.Mode.Selection)
    ways: tuple[Callable[[], object], ...] = (
        lambda: QTest.keyClick(dialog, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier),
        dialog.copy_button.click,
    )
    for copy in ways:
        copy()
        assert clipboard.text() == "ABCD-EFGH-2345"
        assert clipboard.mimeData().data("x-kde-passwordManagerHint") == b"secret"
        assert "10 seconds" in dialog.said.text()
        (copied,) = [each for each in qapp.children() if isinstance(each, SecretOnClipboard)]
        copied.take_away()
        assert clipboard.text() == ""
        QTest.qWait(0)
    dialog.accept()
    assert dialog.field.text() == ""


# Copies a recovery key in the real window, closes that, and tells what the clipboard holds at the very end.
_QUITTING = """
import sys, main
from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication
import gui.program
from gui.clipboard import copy_secret
from models.secret import Secret
real, end = gui.program.Program._start_up, gui.program.end_with
async def start_up(self, core):
    await real(self, core)
    self._kept = copy_secret(Secret("ABCD-EFGH-2345"))
    print(QGuiApplication.clipboard().text(), flush=True)
    QTimer.singleShot(100, self._frame.close)
def ending(thread, code):
    print(f"at the end: {QGuiApplication.clipboard().text()!r}", flush=True)
    end(thread, code)
gui.program.Program._start_up, gui.program.end_with = start_up, ending
sys.exit(main.main(sys.argv[1:]))
"""


def test_quitting_clears_the_clipboard_before_its_time(tmp_path: Path) -> None:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "HOME": str(tmp_path)}
    command = [sys.executable, "-c", _QUITTING, "--data-dir", str(tmp_path / "data")]
    done = subprocess.run(command, cwd=SOURCE, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.splitlines() == ["ABCD-EFGH-2345", "at the end: ''"], done.stderr
