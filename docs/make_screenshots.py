# ruff: noqa: INP001 - a script, not a package
"""Makes docs/screenshots: the real window on a demo data folder, every page and the main dialogs, light and dark.

Run it by `make screenshots`. Nothing is shown: Qt paints off the screen.
"""

import asyncio
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# Neither this person's keyring nor their settings have a place in a picture.
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
for name in ("CTS_DATA_DIR", "DATABASE_URL", "USE_FILE_STORAGE", "CTS_PASSPHRASE_FILE"):
    os.environ.pop(name, None)

import demo_folder  # noqa: E402
import shared_scenes  # noqa: E402
from PySide6.QtCore import QRect, QSize, Qt  # noqa: E402 - Qt reads the environment when it is imported
from PySide6.QtGui import QColor, QFont, QImage, QPainter, QPixmap  # noqa: E402
from PySide6.QtWidgets import QApplication, QDialog, QWidget  # noqa: E402

if TYPE_CHECKING:
    from gui.main_window import MainWindow
    from gui.theme import Theme
    from models.status import Rehearsal
    from services.core import Core

FOLDER = ROOT / "docs" / "screenshots"
SIZE = QSize(1280, 800)
SCALES = (1, 2)
_COLOURS = 256
_DEADLINE = 30.0
_SHADE = QColor(0, 0, 0, 90)


class Studio:
    """The window and what the scenes do with it."""

    def __init__(self, window: "MainWindow", theme: "Theme", core: "Core", folder: Path) -> None:
        self.window, self.theme, self.core, self._folder = window, theme, core, folder
        self._look = ""

    async def shoot(self, name: str, dialog: QWidget | None = None) -> None:
        """Save the window, with a dialog over it if there is one, at every scale."""
        await settle()
        for scale in SCALES:
            picture = rendered(self.window, scale)
            if dialog is not None:
                _lay_over(picture, rendered(dialog, scale), dialog.size(), scale)
            ending = "" if scale == 1 else f"@{scale}x"
            _save(picture, self._folder / f"{name}-{self._look}{ending}.png")

    async def choose(self, look: str) -> None:
        self._look = look
        await asyncio.wrap_future(self.core.workers.write(self.core.settings.change, theme=look))
        self.theme.choose(look, "comfortable")
        settings = self.window.page("settings")
        settings.reload()


async def connections(studio: Studio) -> None:
    from gui.connections.page import ConnectionsPage

    page = studio.window.page("connections")
    assert isinstance(page, ConnectionsPage)
    studio.window.go_to("connections")
    await until(lambda: page.model.rowCount() == len(demo_folder.ACCOUNTS))
    page.table.selectRow(1)
    await settle(0.4)
    await studio.shoot("connections")


async def new_connection(studio: Studio) -> None:
    from gui.connections.page import ConnectionsPage

    page = studio.window.page("connections")
    assert isinstance(page, ConnectionsPage)
    page.commands.new()
    await _with_dialog(studio, "new-connection")


async def database(studio: Studio) -> None:
    from gui.database.page import DatabasePage

    page = studio.window.page("database")
    assert isinstance(page, DatabasePage)
    studio.window.go_to("database")
    await until(lambda: page.migrations.model.rowCount() > 0)
    row = page.migrations.model.row_of(36)
    page.migrations.table.selectRow(row)
    page.migrations.table.scrollTo(page.migrations.model.index(max(0, row - 4), 0))
    await until(lambda: bool(page.migrations.sql.toPlainText()))
    await studio.shoot("database")


async def rehearsal(studio: Studio) -> None:
    from gui.database.page import DatabasePage
    from gui.database.rehearsal_dialog import RehearsalDialog

    page = studio.window.page("database")
    assert isinstance(page, DatabasePage)
    results = await asyncio.wrap_future(studio.core.workers.write(_rehearse_anew))
    RehearsalDialog(studio.theme, results, page).open()
    await _with_dialog(studio, "rehearsal")


async def scrub(studio: Studio) -> None:
    from gui.database.page import DatabasePage

    page = studio.window.page("database")
    assert isinstance(page, DatabasePage)
    page.take_over.scrub.click()
    await _with_dialog(studio, "scrub")


async def activity(studio: Studio) -> None:
    studio.window.go_to("activity")
    await settle(0.4)
    await studio.shoot("activity")


async def settings(studio: Studio) -> None:
    studio.window.go_to("settings")
    await studio.shoot("settings")


async def passphrase(studio: Studio) -> None:
    from gui.settings.page import SettingsPage

    page = studio.window.page("settings")
    assert isinstance(page, SettingsPage)
    page.vault.passphrase.click()
    await _with_dialog(studio, "passphrase")


SCENES: tuple[Callable[[Studio], Awaitable[None]], ...] = (
    connections, new_connection, database, rehearsal, scrub, activity, settings, passphrase,
)  # fmt: skip


def main() -> int:
    from gui.theme import Theme

    app = QApplication(sys.argv[:1])
    # Grey edges instead of coloured ones: the picture is looked at on other screens.
    font = app.font()
    font.setStyleStrategy(QFont.StyleStrategy.NoSubpixelAntialias)
    app.setFont(font)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.glob("*.png"):
        old.unlink()
    theme = Theme(app)
    with tempfile.TemporaryDirectory(prefix="cts-") as temporary:
        data = Path(temporary) / "data"
        demo_folder.make(data)
        _session(app, theme, data, _shoot_all)
    with shared_scenes.shared_database() as server, tempfile.TemporaryDirectory(prefix="cts-") as temporary:
        _session(app, theme, Path(temporary) / "data", lambda studio: shared_scenes.shoot_all(studio, server))
    print(f"{len(list(FOLDER.glob('*.png')))} pictures in {FOLDER.relative_to(ROOT)}")
    return 0


def _session(
    app: QApplication, theme: "Theme", data: Path, shoot: "Callable[[Studio], Coroutine[object, object, None]]"
) -> None:
    """Run the window on a data folder while `shoot` takes its pictures."""
    import qasync

    import main as program
    from gui.app import pages
    from gui.main_window import MainWindow
    from gui.messages import Messages
    from gui.tasks import Tasks

    messages = Messages()
    tasks = Tasks(messages)
    core = program.build_core(program.Arguments(str(data)))
    loop = qasync.QEventLoop(app)
    window = MainWindow(theme, messages, tasks, pages())
    window.open_first()
    window.resize(SIZE)
    window.show()
    tasks.attach(core.workers)
    with loop:
        loop.run_until_complete(shoot(Studio(window, theme, core, FOLDER)))
        tasks.cancel_all()
        window.bridge.detach()
        core.startup.close()
        core.workers.close()
    window.close()


async def _shoot_all(studio: Studio) -> None:
    core, window = studio.core, studio.window
    window.attach(core)
    await asyncio.wrap_future(core.workers.write(core.startup.run))
    await asyncio.wrap_future(core.workers.write(_decorate, core))
    window.settle()
    await settle(1.0)
    _dismiss_all(window)
    for look in ("light", "dark"):
        await studio.choose(look)
        for scene in SCENES:
            await scene(studio)


def _dismiss_all(window: "MainWindow") -> None:
    """Dismiss what a first start says once; it would stand in every picture."""
    from gui.widgets.message_bar import MessageBar

    bar = window.findChild(MessageBar)
    assert isinstance(bar, MessageBar)
    while bar.current is not None:
        bar.dismiss()


def _decorate(core: "Core") -> None:
    """Give the demo's connections the tags that a person would."""
    for row in core.connections.rows():
        if row.name in demo_folder.TAGS:
            core.connections.edit(row.id, {"tags": list(demo_folder.TAGS[row.name])})


def _rehearse_anew() -> "list[Rehearsal]":
    """Rehearse every migration on a folder where none has run, as the first start of a new program would."""
    import main as program
    from storage.data_folder import prepare
    from storage.database import Database
    from storage.migrator.runner import Migrator

    with tempfile.TemporaryDirectory(prefix="cts-") as temporary:
        folder = prepare(Path(temporary))
        database = Database.open_sqlite(folder.database)
        try:
            return Migrator(database, program.resource("migrations"), backup=lambda: None).rehearse()
        finally:
            database.close()


async def _with_dialog(studio: Studio, name: str) -> None:
    await until(lambda: _dialog() is not None)
    dialog = _dialog()
    assert dialog is not None
    await studio.shoot(name, dialog)
    dialog.reject()
    await settle()


def _dialog() -> QDialog | None:
    shown = (each for each in QApplication.topLevelWidgets() if isinstance(each, QDialog) and each.isVisible())
    return next(shown, None)


async def settle(seconds: float = 0.25) -> None:
    """Let layouts, tasks and timers come to rest."""
    await asyncio.sleep(seconds)


async def until(true: Callable[[], bool]) -> None:
    deadline = asyncio.get_running_loop().time() + _DEADLINE
    while not true():
        if asyncio.get_running_loop().time() > deadline:
            raise TimeoutError("The window did not come to show what the picture needs.")
        await asyncio.sleep(0.02)


def rendered(widget: QWidget, scale: int) -> QPixmap:
    """Paint a widget as a screen of that scale would."""
    picture = QPixmap(widget.size() * scale)
    picture.setDevicePixelRatio(scale)
    picture.fill(widget.palette().window().color())
    widget.render(picture)
    return picture


def _lay_over(below: QPixmap, dialog: QPixmap, size: QSize, scale: int) -> None:
    whole = QRect(0, 0, below.width() // scale, below.height() // scale)
    place = QRect(
        (whole.width() - size.width()) // 2, (whole.height() - size.height()) // 2, size.width(), size.height()
    )
    painter = QPainter(below)
    painter.fillRect(whole, _SHADE)
    painter.drawPixmap(place.topLeft(), dialog)
    painter.setPen(QColor(128, 136, 146))
    painter.drawRect(place.adjusted(-1, -1, 0, 0))
    painter.end()


def _save(picture: QPixmap, path: Path) -> None:
    # A palette and PNG's hardest compression (quality 0): a quarter of the bytes.
    image = picture.toImage().convertToFormat(QImage.Format.Format_RGB32)
    flags = Qt.ImageConversionFlag.ThresholdDither | Qt.ImageConversionFlag.AvoidDither
    small = image.convertToFormat(QImage.Format.Format_Indexed8, _palette(image), flags)
    if not small.save(str(path), quality=0):
        raise OSError(f"{path} could not be written.")


def _palette(image: QImage) -> list[int]:
    """Return the most frequent colours, then one for each part of the colour space that they leave out."""
    counted = [colour for colour, _count in Counter(memoryview(image.constBits()).cast("I")).most_common()]
    chosen = counted[: _COLOURS // 2]
    covered = {_corner(colour) for colour in chosen}
    for colour in counted[len(chosen) :]:
        if _corner(colour) not in covered:
            covered.add(_corner(colour))
            chosen.append(colour)
    return chosen[:_COLOURS]


def _corner(colour: int) -> tuple[int, int, int]:
    return (colour >> 20 & 15, colour >> 12 & 15, colour >> 4 & 15)


if __name__ == "__main__":
    sys.exit(main())
