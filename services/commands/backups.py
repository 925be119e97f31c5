"""`backup`: verified copies of the database."""

from typing import TYPE_CHECKING, Any

from services.commands.output import Result, safe, table
from services.commands.parser import add, add_group

if TYPE_CHECKING:
    import argparse

    from models.status import Backup
    from services.commands.parser import Parser
    from services.core import Core


def register(commands: "argparse._SubParsersAction[Parser]") -> None:
    group = add_group(commands, "backup", make, "make a verified backup of the database, or list them")
    add(group, "make", make, "make a verified backup now")
    add(group, "list", show_all, "the backups, newest first")


def make(core: "Core", arguments: "argparse.Namespace") -> Result:  # noqa: ARG001
    backup = core.backups.make()
    return Result(
        _as_json(backup), f"Backup made and verified: {safe(backup.path)}, {backup.connections:,} connections."
    )


def show_all(core: "Core", arguments: "argparse.Namespace") -> Result:  # noqa: ARG001
    backups = core.backups.list()
    rows = [(b.made_at, f"{b.connections:,}", f"{b.size_bytes / 1024:,.0f} KB", b.reason, b.path) for b in backups]
    text = table(("Made", "Connections", "Size", "Why", "File"), rows) if rows else "There is no backup yet."
    return Result([_as_json(backup) for backup in backups], text)


def _as_json(backup: "Backup") -> dict[str, Any]:
    return dict(backup._asdict())
