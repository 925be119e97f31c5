"""The Settings page over a real settings file and a real vault."""

import json
from pathlib import Path

from PySide6.QtWidgets import QApplication

from gui.clipboard import SecretOnClipboard
from gui.settings.page import SettingsPage
from gui.settings.vault_dialogs import PassphraseDialog, RecoveryKeyDialog
from gui.widgets.dialogs import ConfirmDialog
from models.secret import Secret
from tests.window_kit import Desk, desk, desk_on  # noqa: F401 - desk is a fixture

WORDS = "four words are better"


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


def test_a_copied_secret_leaves_the_clipboard_only_while_it_is_ours(qapp: QApplication) -> None:
    clipboard = qapp.clipboard()
    copied = SecretOnClipboard(Secret(WORDS), seconds=60)
    assert clipboard.text() == WORDS
    copied.take_away()
    assert clipboard.text() == ""
    copied = SecretOnClipboard(Secret(WORDS), seconds=60)
    clipboard.setText("something else")
    copied.take_away()
    assert clipboard.text() == "something else"
