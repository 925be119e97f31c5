"""The window around the pages: it fits the screen with its title bar, and says once what a start brought."""

from pathlib import Path

from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from gui.frame import EDGES, Frame
from gui.main_window import MainWindow
from gui.messages import Message
from gui.settings.page import SettingsPage
from gui.settings.vault_dialogs import PassphraseDialog
from gui.widgets.keyboard import keyboard_in
from models.event import VaultChanged
from models.problem import Category, Problem
from tests.canary import make_canary
from tests.fixtures.cts31 import Canaries, json_record, write
from tests.window_kit import Desk, desk, open_window

__all__ = ["desk"]


def said(window: MainWindow, beginning: str) -> list[Message]:
    """Return what the bar says or will say that begins like this."""
    shown = [window._bar.current, *window._bar._queue]
    return [message for message in shown if message is not None and message.text.startswith(beginning)]


def test_a_new_window_leaves_room_for_its_title_bar(qapp: QApplication) -> None:
    frame = Frame("#ffffff")
    free = frame.screen().availableSize()
    assert frame.width() + EDGES.width() <= free.width()
    assert frame.height() + EDGES.height() <= free.height()


def test_a_size_from_a_larger_screen_is_cut_and_stays_on_this_one(desk: Desk) -> None:
    async def scene() -> None:
        window = await open_window(desk)
        free = window.screen().availableGeometry()
        window.move(free.width() - 50, free.height() - 50)
        window.restore({"width": 9_000, "height": 9_000})
        await desk.idle()
        assert free.contains(window.geometry())
        window.restore({"width": "wide", "height": None, "pages": 5})
        assert free.contains(window.geometry())

    desk.run(scene())


def test_what_came_over_from_cts_is_said_once(desk: Desk) -> None:
    folder = Path(str(desk.core.data_folder))
    folder.mkdir(parents=True, exist_ok=True)
    unknown = json_record(Canaries(), "b") | {"name": "Odd", "exchange": "nowhere"}
    write(folder / "connections.json", [json_record(Canaries(), "a"), unknown])

    async def scene() -> None:
        window = await open_window(desk)
        await desk.until(lambda: said(window, "1 connection came over from CTS v3.1, 1 left out."))
        await desk.idle()
        (message,) = said(window, "1 connection came over from CTS v3.1")
        assert message.action is not None
        message.action[1]()
        assert window._stack.currentWidget() is window.page("database")

    desk.run(scene())


def test_a_locked_vault_leads_to_where_it_is_unlocked_and_is_said_no_more_then(desk: Desk) -> None:
    locked = Problem(Category.LOCKED, "The vault is locked: secrets can be neither shown nor set.", "Unlock it.")

    async def scene() -> None:
        window = await open_window(desk)
        window.announcer.tell(locked)
        await desk.until(lambda: said(window, locked.text))
        (message,) = said(window, locked.text)
        assert message.action is not None
        assert (message.solution, message.action[0]) == ("", "Open Settings")
        desk.core.events.publish(VaultChanged(desk.core.status.vault()))
        await desk.until(lambda: not said(window, locked.text))
        message.action[1]()
        settings = window.page("settings")
        assert isinstance(settings, SettingsPage)
        window.activateWindow()
        await desk.until(settings.vault.passphrase.hasFocus)
        window.announcer.tell(locked._replace(category=Category.DISK_FULL))
        await desk.until(lambda: said(window, locked.text))
        (message,) = said(window, locked.text)
        assert (message.solution, message.action) == ("Unlock it.", None)

    desk.run(scene())


def test_without_a_keyring_a_passphrase_is_offered_at_once_and_said_no_more_once_it_is_set(desk: Desk) -> None:
    words = make_canary()

    async def scene() -> None:
        window = await open_window(desk)
        await desk.until(lambda: said(window, "This system has no keyring"))
        (message,) = said(window, "This system has no keyring")
        assert message.action is not None
        assert message.action[0] == "Set a passphrase…"
        message.action[1]()
        dialog = await desk.dialog(PassphraseDialog)
        for field in (dialog.first, dialog.second):
            field.setText(words)
        await desk.until(dialog.confirm.isEnabled)
        dialog.confirm.click()
        await desk.until(lambda: not said(window, "This system has no keyring"))
        assert desk.core.status.vault().holder == "passphrase"
        assert not (desk.core.data_folder / "vault.key").exists()

    desk.run(scene())


def test_no_page_keeps_a_colour_of_the_look_before(desk: Desk) -> None:
    async def scene() -> None:
        window = await open_window(desk)
        desk.core.connections.add({"name": "Alpha", "exchange": "okx", "tags": ["one"], "color": "#1f6feb"})
        pictures: dict[tuple[str, str], QImage] = {}
        for look in ("light", "dark", "light", "dark"):
            desk.theme.choose(look, "comfortable")
            for key in ("connections", "activity", "settings"):
                window.go_to(key)
                await desk.quiet()
                if (focus := keyboard_in(window)) is not None:
                    focus.clearFocus()
                picture = window.grab().toImage()
                assert pictures.setdefault((key, look), picture) == picture, f"{key} {look}"
        assert all(pictures[key, "light"] != pictures[key, "dark"] for key, _look in pictures)

    desk.run(scene())
