"""What happened, for whoever listens: the window, a command, the log."""

from typing import NamedTuple

from models.connection_row import ConnectionRow
from models.problem import Problem
from models.status import StartupStep, StoreStatus, VaultStatus


class ConnectionsChanged(NamedTuple):
    """Rows that are new or different, and ids that are gone. `everything`: read the whole list again."""

    changed: tuple[ConnectionRow, ...] = ()
    removed: tuple[str, ...] = ()
    everything: bool = False


class StoreChanged(NamedTuple):
    status: StoreStatus


class StepFinished(NamedTuple):
    step: StartupStep


class MigrationsChanged(NamedTuple):
    """The ledger or the files are not as they were: read the states again."""


class VaultChanged(NamedTuple):
    """Where the key is, or whether secrets can be opened, is not as it was."""

    status: VaultStatus


class Notice(NamedTuple):
    """A sentence to say once. `problem` is set where something is wrong; `level` is info, warning or error."""

    level: str
    text: str
    problem: Problem | None = None


Event = ConnectionsChanged | StoreChanged | StepFinished | MigrationsChanged | VaultChanged | Notice
