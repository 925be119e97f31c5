"""The program without a window, in one place: what main.py builds and what the window and the commands are given."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from services.events import Events
from services.workers import Workers

if TYPE_CHECKING:
    from services.backups import BackupService
    from services.connections import ConnectionService
    from services.legacy import LegacyService
    from services.log import LogView
    from services.migrations import MigrationService
    from services.recovery import RecoveryService
    from services.settings import SettingsService
    from services.startup import Startup
    from services.status import StatusService
    from services.transfer import TransferService
    from services.vault import VaultService


@dataclass(frozen=True, slots=True)
class Core:
    """Every service by name. All their calls block: the window runs them through `workers`.

    `startup.run()` opens the store; before it, the others answer with the Problem that the store is not open yet.
    """

    data_folder: Path
    events: Events
    workers: Workers
    log: "LogView"
    settings: "SettingsService"
    startup: "Startup"
    status: "StatusService"
    connections: "ConnectionService"
    migrations: "MigrationService"
    backups: "BackupService"
    legacy: "LegacyService"
    transfer: "TransferService"
    vault: "VaultService"
    recovery: "RecoveryService"
