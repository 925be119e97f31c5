"""The program without a window, in one place: what main.py builds and what the window and the commands are given."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from services.backups import BackupService
    from services.changes import ChangesService
    from services.connections import ConnectionService
    from services.database_settings import DatabaseSettingsService
    from services.events import Events
    from services.legacy import LegacyService
    from services.log import LogView
    from services.migrations import MigrationService
    from services.moving import MovingService
    from services.recovery import RecoveryService
    from services.settings import SettingsService
    from services.startup import Startup
    from services.status import StatusService
    from services.transfer import TransferService
    from services.vault import VaultService
    from services.workers import Workers


class Builder(Protocol):
    """What builds the services that not every run needs."""

    def workers(self) -> "Workers": ...

    def status(self) -> "StatusService": ...

    def connections(self) -> "ConnectionService": ...

    def migrations(self) -> "MigrationService": ...

    def backups(self) -> "BackupService": ...

    def legacy(self) -> "LegacyService": ...

    def transfer(self) -> "TransferService": ...

    def vault(self) -> "VaultService": ...

    def recovery(self) -> "RecoveryService": ...

    def moving(self) -> "MovingService": ...

    def changes(self) -> "ChangesService": ...


class Core:
    """Every service by name. All their calls block: the window runs them through `workers`.

    `startup.run()` opens the store; before it, the others answer with the Problem that the store is not open yet.
    `later` builds each service below when it is first asked for: a command pays for importing those that it uses.
    """

    def __init__(
        self,
        *,
        data_folder: Path,
        events: "Events",
        log: "LogView",
        settings: "SettingsService",
        database_settings: "DatabaseSettingsService",
        startup: "Startup",
        later: "Builder",
    ) -> None:
        self.data_folder = data_folder
        self.events = events
        self.log = log
        self.settings = settings
        self.database_settings = database_settings
        self.startup = startup
        self._later = later

    @cached_property
    def workers(self) -> "Workers":
        return self._later.workers()

    @cached_property
    def status(self) -> "StatusService":
        return self._later.status()

    @cached_property
    def connections(self) -> "ConnectionService":
        return self._later.connections()

    @cached_property
    def migrations(self) -> "MigrationService":
        return self._later.migrations()

    @cached_property
    def backups(self) -> "BackupService":
        return self._later.backups()

    @cached_property
    def legacy(self) -> "LegacyService":
        return self._later.legacy()

    @cached_property
    def transfer(self) -> "TransferService":
        return self._later.transfer()

    @cached_property
    def vault(self) -> "VaultService":
        return self._later.vault()

    @cached_property
    def recovery(self) -> "RecoveryService":
        return self._later.recovery()

    @cached_property
    def changes(self) -> "ChangesService":
        return self._later.changes()

    @cached_property
    def moving(self) -> "MovingService":
        return self._later.moving()
