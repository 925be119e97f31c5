"""CTS Connections. The one place where objects are built; picks the window or a command.

What is imported here is imported before the first paint: only what deciding takes.
"""

import gc
import os
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, NoReturn

if TYPE_CHECKING:
    from models.connection_row import ConnectionRow
    from models.settings import Settings
    from services.backups import BackupService
    from services.changes import ChangesService
    from services.connections import ConnectionService
    from services.core import Core
    from services.legacy import LegacyService
    from services.log import LogView
    from services.migrations import MigrationService
    from services.moving import MovingService
    from services.recovery import RecoveryService
    from services.startup import Startup
    from services.status import StatusService
    from services.transfer import TransferService
    from services.vault import VaultService
    from services.workers import Workers
    from storage.data_folder import DataFolder
    from storage.vault import Vault

# How long a program that wants to write waits for another to let the data folder go, in seconds.
_PATIENCE = 2.0
# What tells Qt on Linux where its windows go.
_SCREENS = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM", "WAYLAND_SOCKET")


class Arguments(NamedTuple):
    """The command line in two: what holds for every command, and the command's own words."""

    data_dir: str | None = None
    as_json: bool = False
    words: tuple[str, ...] = ()


def main(argv: list[str]) -> int:
    """Run the program and return its exit code."""
    _open_closed_streams()
    try:
        arguments = split(argv)
    except ValueError as error:
        return _wrong_usage(str(error), as_json="--json" in argv)
    # What is imported from here on stays: looking through it for garbage again and again costs a tenth of a start.
    gc.disable()
    if arguments.words or arguments.as_json:
        return _run_command(arguments)
    if sys.platform == "linux" and not any(os.environ.get(name) for name in _SCREENS):
        return _say_there_is_no_screen()
    from gui.app import run

    return run(
        partial(build_core, arguments),
        partial(preview, arguments),
        partial(look, arguments),
        partial(glance, arguments),
    )


def split(argv: list[str]) -> Arguments:
    """Take --data-dir and --json out, wherever they stand before a `--`; raises ValueError with a sentence."""
    data_dir: str | None = None
    as_json = False
    words: list[str] = []
    rest = list(argv)
    while rest:
        word = rest.pop(0)
        if word == "--":
            words += [word, *rest]
            break
        if word == "--json":
            as_json = True
        elif word == "--data-dir" or word.startswith("--data-dir="):
            data_dir = word.partition("=")[2] if "=" in word else rest.pop(0) if rest else ""
            if not data_dir.strip() or data_dir.startswith("--"):
                raise ValueError("--data-dir needs a folder.")
        else:
            words.append(word)
    return Arguments(data_dir, as_json, tuple(words))


def build_core(arguments: Arguments, *, patience: float = _PATIENCE, lasting: bool = True) -> "Core":
    """Build the program. Opens nothing but the data folder itself: `startup.run()` does the work.

    `lasting`: it stays open, as the window does, so that it is worth waiting for a data folder that is in use.
    """
    from services.core_dumps import forbid_core_dumps
    from services.log import LogView
    from storage.data_folder import prepare

    forbid_core_dumps()
    log = LogView()
    log.install()
    return _Builder(prepare(locate_data(arguments)), log, patience, lasting).core


class _Builder:
    """Builds what every run needs, and knows how to build the rest when it is asked for."""

    def __init__(self, folder: "DataFolder", log: "LogView", patience: float, lasting: bool) -> None:
        from services.core import Core
        from services.database_settings import DatabaseSettingsService
        from services.events import Events
        from services.late_vault import LateVault
        from services.settings import SettingsService
        from storage.store import Store

        self._folder = folder
        self._events = Events()
        self._settings = SettingsService(folder)
        self._vault = LateVault(partial(_open_vault, folder))
        self._database = DatabaseSettingsService(self._settings, self._vault, os.environ, switch=self._open_again)
        self._store = Store(
            folder,
            self._vault,
            resource("migrations"),
            publish=self._events.publish,
            device=_device(),
            target=self._database.target,
            watch=lasting,
        )
        self.core = Core(
            data_folder=folder.root,
            events=self._events,
            log=log,
            settings=self._settings,
            database_settings=self._database,
            startup=self._startup(log, patience, lasting),
            later=self,
        )

    def _backups_kept(self) -> int:
        return self._settings.current.backups_kept

    def _open_again(self) -> None:
        self._store.retry()

    def _startup(self, log: "LogView", patience: float, lasting: bool) -> "Startup":
        from services.startup import Startup
        from storage.folder_lock import FolderLock

        return Startup(
            folder=self._folder,
            configuration=lambda: self._database.configuration,
            settings=self._settings,
            log=log,
            lock=FolderLock(self._folder.lock),
            vault=self._vault,
            store=self._store,
            migrations_folder=resource("migrations"),
            events=self._events,
            patience=patience,
            lasting=lasting,
        )

    def workers(self) -> "Workers":
        from services.workers import Workers

        return Workers()

    def status(self) -> "StatusService":
        from services.status import StatusService

        core = self.core
        return StatusService(
            folder=self._folder,
            store=self._store,
            vault=self._vault,
            startup=core.startup,
            migrations=core.migrations,
            legacy=core.legacy,
        )

    def connections(self) -> "ConnectionService":
        from services.connections import ConnectionService

        return ConnectionService(self._store, self._vault, self._events)

    def migrations(self) -> "MigrationService":
        from services.migrations import MigrationService

        return MigrationService(self._store, self._events)

    def backups(self) -> "BackupService":
        from services.backups import BackupService

        return BackupService(self._store, self._folder, self._events, keep=self._backups_kept)

    def legacy(self) -> "LegacyService":
        from services.legacy import LegacyService

        return LegacyService(self._store, self._folder, self._vault, self._events)

    def transfer(self) -> "TransferService":
        from services.transfer import TransferService

        return TransferService(self.core.connections, self._vault, self._folder.root)

    def vault(self) -> "VaultService":
        from services.vault import VaultService

        return VaultService(self._vault, self._events, store=self._store, folder=self._folder, settings=self._database)

    def moving(self) -> "MovingService":
        from services.moving import MovingService

        return MovingService(
            self._store, self._vault, self._database, self._folder, resource("migrations"), self._events
        )

    def recovery(self) -> "RecoveryService":
        from services.recovery import RecoveryService

        return RecoveryService(
            self._store,
            self._events,
            folder=self._folder,
            vault=self._vault,
            migrations=resource("migrations"),
            keep=self._backups_kept,
        )

    def changes(self) -> "ChangesService":
        from services.changes import ChangesService

        return ChangesService(self._store, self._events)


def _open_vault(folder: "DataFolder", writable: bool) -> "Vault":
    from storage.vault import Vault

    return Vault.open(folder, passphrase=None, environment=os.environ, writable=writable)


def preview(arguments: Arguments) -> "list[ConnectionRow]":
    """Return the list for the first paint, without anything that takes time to import."""
    from storage.preview import preview_rows

    return preview_rows(locate_data(arguments) / "cts.db")


def glance(arguments: Arguments) -> str:
    """Return the theme for the empty window, or "" for the system's; there is no quicker way to know it."""
    from storage.settings_values import glance

    return glance(locate_data(arguments) / "settings.json")


def look(arguments: Arguments) -> "Settings":
    """Return the settings for the first paint; reading them as they should be is a step of the start."""
    from storage.settings_values import peek

    return peek(locate_data(arguments) / "settings.json")


def locate_data(arguments: Arguments) -> Path:
    """Return where the data folder is, or is to be."""
    from storage.location import locate

    frozen = getattr(sys, "frozen", False)
    return locate(arguments.data_dir, os.environ, None if frozen else Path(__file__).resolve().parent)


def resource(name: str) -> Path:
    """Return a folder that came with the program: beside this file, or where PyInstaller unpacked it."""
    return Path(getattr(sys, "_MEIPASS", None) or Path(__file__).resolve().parent) / name


def _run_command(arguments: Arguments) -> int:
    from services.commands import run

    return run(
        list(arguments.words),
        partial(_build_for_command, arguments),
        as_json=arguments.as_json,
        program=Path(sys.argv[0]).name,
    )


def _build_for_command(arguments: Arguments, writes: bool) -> "Core":
    from services.core_dumps import forbid_core_dumps

    if writes:
        # What writes may hold secrets, and no desktop portal needs to look at a command.
        forbid_core_dumps(debuggers=True)
    return build_core(arguments, patience=_PATIENCE if writes else 0.0, lasting=False)


def _wrong_usage(sentence: str, *, as_json: bool) -> int:
    from models.problem import Category, Problem
    from services.commands.output import USAGE, write_problem

    write_problem(Problem(Category.INVALID, sentence, "Write it as: --data-dir DIR"), as_json=as_json)
    return USAGE


def _say_there_is_no_screen() -> int:
    """Say it ourselves: Qt would abort, and leave a core dump."""
    from models.problem import Category, Problem
    from services.commands.output import PROBLEM, write_problem

    name = Path(sys.argv[0]).name
    write_problem(
        Problem(
            Category.CANT_OPEN,
            "There is no screen here to open the window on.",
            f"Start it in a desktop session, or use a command: {name} --help lists them.",
        ),
        as_json=False,
    )
    return PROBLEM


def _device() -> str:
    """Return a name for this desktop, to tell whose write an operation is."""
    import socket

    return socket.gethostname()[:100] or "this computer"


def _open_closed_streams() -> None:
    """Give descriptors 0 to 2 to nobody else: with standard output closed, the database would get its number."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _end(code: int) -> NoReturn:
    """End at once. Everything is closed; taking the modules apart would add a fifth to a status command."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with suppress(OSError, ValueError):
                stream.flush()
    os._exit(code)


if __name__ == "__main__":
    try:
        _end(main(sys.argv[1:]))
    except KeyboardInterrupt:
        _end(130)
