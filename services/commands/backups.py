"""`backup` and `restore`: verified copies of the database, and the way back to one."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.problem import Category, InputError
from models.status import KEPT_RECORDS, Backend
from services.commands.output import Result, count, safe, table
from services.commands.parser import add, add_group
from services.recovery import brought_back

if TYPE_CHECKING:
    import argparse

    from models.status import Backup
    from services.commands.parser import Parser
    from services.core import Core

_WITHOUT_A_BACKUP = {
    "records": "The database would be made anew from the record files in data/connections, with what waits in them.",
    "nothing": "The database would begin empty. The backups stay, the record files are kept in quarantine; "
    "changes that wait stay where they are.",
}


def register(commands: "argparse._SubParsersAction[Parser]") -> None:
    group = add_group(commands, "backup", make, "make a verified backup of the database, or list them")
    add(group, "make", make, "make a verified backup now")
    add(group, "list", show_all, "the backups, newest first")
    back = add(commands, "restore", restore, "put a backup in the place of the database, which is kept", writes=True)
    back.add_argument(
        "backup",
        metavar="BACKUP",
        help="a file, or a name as `backup list` shows it: kept records are brought back, beside what is there; where "
        "the database is missing also: records, nothing",
    )
    back.add_argument("--yes", action="store_true", help="do it; without it only what would happen is said")


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


def restore(core: "Core", arguments: "argparse.Namespace") -> Result:
    if arguments.backup in _WITHOUT_A_BACKUP:
        return _without_a_backup(core, arguments)
    known = {name: backup for backup in core.backups.list() for name in (Path(backup.path).name, backup.path)}
    listed = known.get(arguments.backup)
    path = Path(listed.path) if listed else Path(arguments.backup)
    if listed is not None and listed.reason == KEPT_RECORDS:
        return _bring_back(core, arguments, path)
    if not path.is_file():
        raise InputError(
            "There is no such backup.", "See which there are with: backup list.", category=Category.NOT_FOUND
        )
    server = core.startup.store.backend is Backend.POSTGRESQL
    kept = "as the newest backup" if server else "in quarantine"
    if not arguments.yes:
        raise InputError(
            f"{path.name} would take the place of what the database holds; that is kept {kept}.",
            "Add --yes to do it.",
        )
    number = core.recovery.restore(path)
    text = f"Restored {safe(path)}: {count(number, 'connection')}. What was there before is kept {kept}."
    return Result({"path": str(path), "connections": number}, text)


def _bring_back(core: "Core", arguments: "argparse.Namespace", folder: Path) -> Result:
    """Put records that were kept aside into the database again."""
    if not arguments.yes:
        wanted = core.recovery.lacking(folder)
        raise InputError(
            f"{count(len(wanted.missing), 'connection')} would be added, {len(wanted.older):,} would get what is newer "
            f"here, and {wanted.left:,} would stay as the database has them.",
            "Add --yes to do it.",
        )
    done = core.recovery.bring_back(folder)
    data = {"path": str(folder), "added": len(done.missing), "newer": len(done.older), "left": done.left}
    return Result(data, brought_back(done))


def _without_a_backup(core: "Core", arguments: "argparse.Namespace") -> Result:
    """Answer the question about a missing database."""
    problem = core.startup.store.problem
    if problem is None or problem.category is not Category.EMPTY_DB:
        raise InputError(
            f"“{arguments.backup}” can only take the place of a database that is missing or empty, and there is one.",
            "Name a backup; see which there are with: backup list.",
        )
    if not arguments.yes:
        raise InputError(_WITHOUT_A_BACKUP[arguments.backup], "Add --yes to do it.", category=Category.EMPTY_DB)
    if arguments.backup == "nothing":
        status = core.recovery.start_empty()
        return Result({"connections": 0, "waiting": status.waiting}, "The database begins empty.", 0, status.problem)
    number = core.recovery.restore_records()
    return Result({"connections": number}, f"The database was made from the records: {count(number, 'connection')}.")


def _as_json(backup: "Backup") -> dict[str, Any]:
    return dict(backup._asdict())
