"""Where no keyring keeps the key, a passphrase is asked for before the first secret is stored."""

import json
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from gui.connections.dialog import ConnectionDialog
from gui.connections.import_dialog import ImportDialog
from gui.connections.page import ConnectionsPage
from gui.settings.vault_dialogs import FirstSecretDialog, UnlockDialog
from models.secret import Secret
from tests.canary import make_canary
from tests.window_kit import Desk, desk

__all__ = ["desk"]

KEY, SECRET, WORDS = "key-of-a-test-0123", make_canary()[:36], make_canary()
# A file to import from holds its secrets as they are.
IN_CLEAR = "in-the-open-0123456789-abcdefghi"


async def filled_form(desk: Desk, page: ConnectionsPage, name: str = "Alpha") -> ConnectionDialog:
    page.commands.new()
    form = await desk.dialog(ConnectionDialog)
    form._account.name.setText(name)
    form._credentials._edits["api_key"].input.setText(KEY)
    form._credentials._edits["api_secret"].input.setText(SECRET)
    return form


async def begun(desk: Desk) -> ConnectionsPage:
    page = await desk.open(ConnectionsPage)
    await desk.quiet()
    return page


def holder(desk: Desk) -> str:
    return desk.core.status.vault().holder


def test_the_first_secret_waits_for_a_passphrase_typed_by_keyboard(desk: Desk) -> None:
    async def scene() -> None:
        page = await begun(desk)
        form = await filled_form(desk, page)
        form._submit()
        dialog = await desk.dialog(FirstSecretDialog)
        assert desk.core.connections.rows() == []
        dialog.activateWindow()
        await desk.until(dialog.first.hasFocus)
        QTest.keyClicks(dialog.first, WORDS)
        QTest.keyClick(dialog.first, Qt.Key.Key_Return)
        assert (dialog.second.hasFocus(), dialog.refusal.isVisible()) == (True, False)
        QTest.keyClicks(dialog.second, WORDS[:-1])
        QTest.keyClick(dialog.second, Qt.Key.Key_Return)
        await desk.until(dialog.refusal.isVisible)
        # What comes later makes the dialog taller, not its fields smaller.
        await desk.until(lambda: dialog.second.height() >= dialog.second.sizeHint().height())
        QTest.keyClicks(dialog.second, WORDS[-1])
        QTest.keyClick(dialog.second, Qt.Key.Key_Return)
        await desk.until(lambda: [row.name for row in desk.core.connections.rows()] == ["Alpha"])
        assert holder(desk) == "passphrase"
        assert not (desk.core.data_folder / "vault.key").exists()
        await desk.until(lambda: any("recovery key" in message.text for message in desk.said))

    desk.run(scene())


def test_going_on_without_stores_it_and_is_not_asked_again(desk: Desk) -> None:
    async def scene() -> None:
        page = await begun(desk)
        form = await filled_form(desk, page)
        form._submit()
        (await desk.dialog(FirstSecretDialog)).without.click()
        await desk.until(lambda: len(desk.core.connections.rows()) == 1)
        assert holder(desk) == "file"
        await desk.quiet()
        page.controller.vault_asking()._declined = False
        form = await filled_form(desk, page, "Beta")
        form._submit()
        await desk.until(lambda: len(desk.core.connections.rows()) == 2)

    desk.run(scene())


def test_cancelling_stores_nothing_and_keeps_what_was_typed(desk: Desk) -> None:
    async def scene() -> None:
        page = await begun(desk)
        form = await filled_form(desk, page)
        form._submit()
        dialog = await desk.dialog(FirstSecretDialog)
        QTest.keyClick(dialog, Qt.Key.Key_Escape)
        await desk.quiet()
        assert (desk.core.connections.rows(), holder(desk)) == ([], "file")
        assert form._credentials._edits["api_secret"].input.text() == SECRET
        form._submit()
        await desk.dialog(FirstSecretDialog)

    desk.run(scene())


def test_what_is_wrong_in_the_form_comes_before_the_question_and_no_secret_asks_nothing(desk: Desk) -> None:
    async def scene() -> None:
        page = await begun(desk)
        form = await filled_form(desk, page, "")
        form._submit()
        await desk.until(lambda: form._fields["name"].error)
        form._account.name.setText("Alpha")
        for edit in form._credentials._edits.values():
            edit.input.clear()
        form._submit()
        await desk.until(lambda: len(desk.core.connections.rows()) == 1)

    desk.run(scene())


def test_an_import_that_brings_the_first_secret_asks_too(desk: Desk, tmp_path: Path) -> None:
    async def scene() -> None:
        page = await begun(desk)
        source = tmp_path / "more.json"
        record = {"name": "Alpha", "exchange": "bybit", "api_key": KEY, "api_secret": IN_CLEAR}
        source.write_text(json.dumps([record]))
        page.controller.transfers.preview_import([str(source)])
        (await desk.dialog(ImportDialog)).confirm.click()
        dialog = await desk.dialog(FirstSecretDialog)
        for field in (dialog.first, dialog.second):
            field.setText(WORDS)
        dialog.confirm.click()
        await desk.until(lambda: [row.name for row in desk.core.connections.rows()] == ["Alpha"])
        assert holder(desk) == "passphrase"

    desk.run(scene())


def test_an_import_into_a_locked_vault_asks_for_its_passphrase(desk: Desk, tmp_path: Path) -> None:
    async def scene() -> None:
        page = await begun(desk)
        desk.core.vault.set_passphrase(Secret(WORDS))
        # As after a start: what is opened anew knows no passphrase.
        desk.core.startup._vault.open(writable=True)
        assert desk.core.vault.load().locked
        source = tmp_path / "more.json"
        source.write_text(json.dumps([{"name": "Alpha", "exchange": "bybit", "api_key": KEY, "api_secret": IN_CLEAR}]))
        page.controller.transfers.preview_import([str(source)])
        (await desk.dialog(ImportDialog)).confirm.click()
        dialog = await desk.dialog(UnlockDialog)
        assert "in Settings" not in dialog.text.text()
        QTest.keyClicks(dialog.field, "not these words")
        dialog.confirm.click()
        await desk.until(dialog.refusal.isVisible)
        # What is typed next takes the place of what was wrong.
        QTest.keyClicks(dialog.field, WORDS)
        dialog.confirm.click()
        await desk.until(lambda: [row.name for row in desk.core.connections.rows()] == ["Alpha"])

    desk.run(scene())
