"""The PostgreSQL form of the Settings page over a real server, and moving the records there and back."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from PySide6.QtWidgets import QApplication

from gui.connections.dialog import ConnectionDialog
from gui.connections.page import ConnectionsPage
from gui.settings.move_dialog import MoveDialog
from gui.settings.page import SettingsPage
from gui.settings.vault_dialogs import PassphraseDialog, RecoveryKeyDialog, RotationDialog
from gui.widgets.dialogs import ConfirmDialog
from models.status import Backend, StoreState
from tests.bare_postgres import PASSWORD, BareServer
from tests.canary import make_canary
from tests.cheap_passphrases import make_cheap
from tests.window_kit import Desk, desk, desk_on

__all__ = ["desk"]

WORDS = make_canary()
KEY, SECRET = "abcdEFGH1234wxyz", make_canary()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    make_cheap(monkeypatch)


def fill(page: SettingsPage, url: str, password: str = PASSWORD) -> None:
    parts = urlsplit(url)
    form = page.database
    form.host.setText(parts.hostname or "")
    form.port.set_value(parts.port or 0)
    form.database.setText(parts.path.removeprefix("/"))
    form.user.setText(parts.username or "")
    if form.password._mode != "type":
        form.password._begin_replacing()
    form.password.input.setText(password)


async def give_passphrase(desk: Desk) -> None:
    dialog = await desk.dialog(PassphraseDialog)
    dialog.first.setText(WORDS)
    dialog.second.setText(WORDS)
    dialog.give()


def test_tried_saved_and_gone_back(desk: Desk, postgres_url: str) -> None:
    async def scene() -> None:
        page = await desk.open(SettingsPage)
        form = page.database
        await desk.until(form.source.text)
        assert form.source.text().startswith("The records are in the data folder")
        assert page.unsaved() == ""
        form.test.click()
        await desk.until(lambda: form.fields["host"].error)
        fill(page, postgres_url, "wrong")
        assert page.unsaved()
        form.test.click()
        await desk.until(lambda: form.result.text().startswith("✕"))
        assert "refused the name or the password" in form.result.text()
        assert PASSWORD not in form.result.text()
        form.password.input.setText(PASSWORD)
        form.test.click()
        await desk.until(lambda: form.result.text().startswith("✓ PostgreSQL"))
        assert "no connections table yet" in form.result.text()
        page.grab()
        form.save.click()
        await desk.until(lambda: form.result.text() == "✓ Saved.")
        await desk.until(lambda: desk.core.status.store().backend is Backend.POSTGRESQL)
        assert form.source.text().startswith("The records are in this PostgreSQL: postgresql://postgres@127.0.0.1")
        assert form.password._state.text() == "set"
        assert page.unsaved() == ""
        assert PASSWORD not in (desk.core.data_folder / "settings.json").read_text()
        form.clear.click()
        (await desk.dialog(ConfirmDialog)).confirm.click()
        await desk.until(lambda: desk.core.status.store().backend is Backend.SQLITE)
        await desk.until(lambda: form.source.text().startswith("The records are in the data folder"))

    desk.run(scene())


def test_each_tls_mode_is_explained(desk: Desk) -> None:
    async def scene() -> None:
        page = await desk.open(SettingsPage)
        form, told = page.database, set()
        for mode in ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"):
            form.tls.set_value(mode)
            form.tls.picked.emit(mode)
            told.add(form.fields["tls"]._below.text())
            assert form.fields["root_certificate"].isVisibleTo(form) == mode.startswith("verify")
        assert len(told) == 6

    desk.run(scene())


def test_the_environment_wins_and_the_form_says_so(
    qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres_url: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres_url)
    with desk_on(qapp, tmp_path / "data") as desk:

        async def scene() -> None:
            page = await desk.open(SettingsPage)
            await desk.until(page.database.source.text)
            assert page.database.source.text().startswith("DATABASE_URL in the environment decides: postgresql://")
            assert PASSWORD not in page.database.source.text()
            assert not page.database.clear.isVisible()

        desk.run(scene())


def test_a_shared_database_asks_for_its_passphrase_in_the_form_that_needs_it(
    qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres_url: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres_url)
    with desk_on(qapp, tmp_path / "data") as desk:

        async def scene() -> None:
            page = await desk.open(ConnectionsPage)
            await desk.until(lambda: desk.core.status.store().state is StoreState.ONLINE)
            page.commands.new()
            form = await desk.dialog(ConnectionDialog)
            form._account.name.setText("With a key")
            form._credentials._edits["api_key"].input.setText(KEY)
            form._credentials._edits["api_secret"].input.setText(SECRET)
            form._submit()
            await give_passphrase(desk)
            await desk.until(lambda: page.model.rowCount() == 1, "stored after the passphrase")
            stored = desk.core.connections.find("With a key")
            assert desk.core.connections.key_ending(stored.id) == KEY[-4:]

        desk.run(scene())


def test_the_records_move_and_come_back(desk: Desk, postgres_url: str) -> None:
    async def scene() -> None:
        page = await desk.open(SettingsPage)
        core = desk.core
        fields = {"exchange": "bybit", "api_key": KEY, "api_secret": SECRET}
        for number in range(3):
            core.connections.add({"name": f"Name {number}", **fields})
        fill(page, postgres_url)
        page.database.move_records.click()
        dialog = await desk.dialog(MoveDialog)
        await desk.until(dialog.go_on.isEnabled)
        assert dialog.source.text().startswith("SQLite: ")
        dialog.go_on.click()
        # The target is shared: its secrets need a passphrase, asked for right here.
        await give_passphrase(desk)
        await desk.until(lambda: dialog.go_on.text() == "Move now")
        assert dialog.facts.value("Connections") == "3"
        dialog.grab()
        dialog.go_on.click()
        await desk.until(lambda: dialog.cancel.text() == "Close")
        assert dialog.outcome.text().startswith("✓ 3 connections are in postgresql://")
        dialog.grab()
        dialog.cancel.click()
        # What was filled in is in force: nothing of it is left to be saved.
        await desk.until(lambda: page.database.source.text().startswith("The records are in this PostgreSQL"))
        assert (page.unsaved(), page.database.result.isVisible()) == ("", False)
        await desk.until(lambda: core.status.store().backend is Backend.POSTGRESQL)
        await desk.until(lambda: core.status.store().state is StoreState.ONLINE)
        moved = core.connections.find("Name 1")
        assert core.connections.key_ending(moved.id) == KEY[-4:]
        core.connections.edit(moved.id, {"note": "made there"})

        page.reload()
        await desk.until(lambda: page.database.source.text().startswith("The records are in this PostgreSQL"))
        page.database.move_records.click()
        dialog = await desk.dialog(MoveDialog)
        await desk.until(dialog.go_on.isEnabled)
        assert dialog.target.value == "sqlite"
        dialog.go_on.click()
        await desk.until(lambda: dialog.go_on.text() == "Move now")
        dialog.go_on.click()
        await desk.until(lambda: dialog.cancel.text() == "Close")
        await desk.until(lambda: core.status.store().backend is Backend.SQLITE)
        assert core.connections.find("Name 1").note == "made there"

    desk.run(scene())


def test_a_move_that_cannot_be_says_why_and_changes_nothing(desk: Desk, postgres_server: BareServer) -> None:
    async def scene() -> None:
        page = await desk.open(SettingsPage)
        page.database.move_records.click()
        dialog = await desk.dialog(MoveDialog)
        await desk.until(dialog.problem.text)
        assert "Fill in the PostgreSQL" in dialog.problem.text()
        assert not dialog.go_on.isEnabled()
        dialog.reject()
        await desk.idle()
        fill(page, postgres_server.url("nowhere"))
        page.database.move_records.click()
        dialog = await desk.dialog(MoveDialog)
        await desk.until(dialog.go_on.isEnabled)
        dialog.go_on.click()
        await desk.until(dialog.problem.text)
        assert "nowhere" in dialog.problem.text()
        dialog.reject()
        assert desk.core.status.store().backend is Backend.SQLITE

    desk.run(scene())


def test_a_new_key_asks_for_the_passphrase_where_it_is_needed(desk: Desk) -> None:
    async def scene() -> None:
        page = await desk.open(SettingsPage)
        page.controller.rotation_wanted.emit(True)
        assert (await desk.dialog(RotationDialog)).field.isVisible()

    desk.run(scene())


def test_the_vault_gets_a_new_key_and_another_place(desk: Desk) -> None:
    async def scene() -> None:
        page = await desk.open(SettingsPage)
        core = desk.core
        row = core.connections.add({"name": "A", "exchange": "bybit", "api_key": KEY, "api_secret": SECRET}).row
        await desk.until(page.vault.rotate.isEnabled)
        page.vault.rotate.click()
        plain = await desk.dialog(RotationDialog)
        assert not plain.field.isVisible()
        plain.reject()
        page.vault.passphrase.click()
        await give_passphrase(desk)
        await desk.until(lambda: core.vault.status().holder == "passphrase")
        core.vault.make_recovery_key()
        before = core.connections.get(row.id).api_secret
        await desk.until(page.vault.rotate.isEnabled)
        page.vault.rotate.click()
        dialog = await desk.dialog(RotationDialog)
        # It was typed since the start: nothing to type again.
        assert not dialog.field.isVisible()
        dialog.give()
        shown = await desk.dialog(RecoveryKeyDialog)
        assert len(shown.field.text()) > 20
        shown.done_button.click()
        assert core.connections.get(row.id).api_secret != before
        assert core.connections.key_ending(row.id) == KEY[-4:]
        page.vault.holder.picked.emit("file")
        question = await desk.dialog(ConfirmDialog)
        assert "whoever copies the whole folder" in question.text.text()
        question.confirm.click()
        await desk.until(lambda: core.vault.status().holder == "file" or page.vault.refusal.text())
        page.vault.holder.picked.emit("keyring")
        (await desk.dialog(ConfirmDialog)).confirm.click()
        # There is no keyring in a test: the section says so, and the choice goes back.
        await desk.until(page.vault.refusal.text)
        assert page.vault.holder.value == core.vault.status().holder

    desk.run(scene())
