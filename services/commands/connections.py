"""`connections`: the list and every change to it. Secrets come in by standard input or a file, and never go out."""

from typing import TYPE_CHECKING

from models.problem import InputError, VaultError
from services.commands.output import Result, count, pairs, safe, table
from services.commands.parser import add, add_group

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from models.connection_row import ConnectionRow
    from services.commands.parser import Parser
    from services.connections import Saved
    from services.core import Core


def register(commands: "argparse._SubParsersAction[Parser]") -> None:
    group = add_group(commands, "connections", show_all, "the connections")
    add(group, "list", show_all, "every connection")
    _named(add(group, "show", show_one, "one connection in full, without its secrets"))
    _fed(add(group, "add", create, "add a connection from a JSON object", writes=True))
    _fed(_named(add(group, "edit", edit, "change the fields that a JSON object names", writes=True)))
    _named(add(group, "remove", remove, "delete; `restore` brings it back for 90 days", writes=True), several=True)
    _named(add(group, "restore", restore, "bring deleted connections back", writes=True), several=True)
    add(group, "deleted", show_deleted, "what can be restored")
    _named(add(group, "enable", enable, "enable connections", writes=True), several=True)
    _named(add(group, "disable", disable, "disable connections", writes=True), several=True)
    _named(add(group, "duplicate", duplicate, "copy a connection, with its secrets", writes=True))


def show_all(core: "Core", arguments: "argparse.Namespace") -> Result:
    from services.connections import as_json

    rows = core.connections.rows()
    # There may be 100,000: only what is printed is made.
    return Result([as_json(row) for row in rows], "") if arguments.json else Result([], _as_table(rows))


def show_one(core: "Core", arguments: "argparse.Namespace") -> Result:
    from services.connections import as_json

    connection = core.connections.find(arguments.name)
    data = as_json(connection)
    if arguments.json:
        return Result(data, "")
    facts: dict[str, object] = {key.replace("_", " "): _shown(value) for key, value in data.items()}
    # A note is the one field that has lines.
    facts["note"] = tuple(connection.note.split("\n"))
    if ending := _key_ending(core, connection.id):
        facts["api key set"] = f"yes, ends in {ending}"
    return Result(data, pairs(facts.items()))


def create(core: "Core", arguments: "argparse.Namespace") -> Result:
    return _saved(core.connections.add(arguments.fields), "Added")


def edit(core: "Core", arguments: "argparse.Namespace") -> Result:
    fields = arguments.fields
    connection = core.connections.find(arguments.name)
    revision = fields.pop("revision", None)
    if revision is not None and type(revision) is not int:
        raise InputError("The revision is not a whole number.", "Leave it out, or give the one that `show` prints.")
    return _saved(core.connections.edit(connection.id, fields, base_revision=revision), "Saved")


def remove(core: "Core", arguments: "argparse.Namespace") -> Result:
    gone = core.connections.remove(_ids(core, arguments.names))
    data = [{"id": one.id, "name": one.name, "exchange": one.exchange} for one in gone]
    names = ", ".join(safe(one.name) for one in gone)
    return Result(data, f"Deleted {names}. `connections restore` brings it back for 90 days.")


def restore(core: "Core", arguments: "argparse.Namespace") -> Result:
    return _changed(core.connections.restore(arguments.names), "Restored")


def show_deleted(core: "Core", arguments: "argparse.Namespace") -> Result:  # noqa: ARG001
    gone = core.connections.deleted()
    data = [
        {"id": one.id, "name": one.name, "exchange": one.exchange, "deleted_at": one.deleted_at.isoformat()}
        for one in gone
    ]
    rows = [(one["name"], one["exchange"], one["deleted_at"], one["id"]) for one in data]
    return Result(data, table(("Name", "Exchange", "Deleted", "Id"), rows) if rows else "Nothing was deleted.")


def enable(core: "Core", arguments: "argparse.Namespace") -> Result:
    return _changed(core.connections.set_enabled(_ids(core, arguments.names), True), "Enabled")


def disable(core: "Core", arguments: "argparse.Namespace") -> Result:
    return _changed(core.connections.set_enabled(_ids(core, arguments.names), False), "Disabled")


def duplicate(core: "Core", arguments: "argparse.Namespace") -> Result:
    return _saved(core.connections.duplicate(core.connections.find(arguments.name).id), "Added")


def _named(parser: "Parser", *, several: bool = False) -> "Parser":
    if several:
        parser.add_argument("names", nargs="+", metavar="NAME_OR_ID")
    else:
        parser.add_argument("name", metavar="NAME_OR_ID")
    return parser


def _fed(parser: "Parser") -> None:
    parser.add_argument("--file", metavar="FILE", help="read the JSON object from here instead of standard input")
    parser.set_defaults(takes="object")


def _ids(core: "Core", names: "Sequence[str]") -> list[str]:
    return list(dict.fromkeys(core.connections.find(name).id for name in names))


def _saved(saved: "Saved", word: str) -> Result:
    from services.connections import as_json

    data = {**as_json(saved.row), "advice": list(saved.advice)}
    lines = [f"{word} {safe(saved.row.name)} ({saved.row.id}).", *(safe(sentence) for sentence in saved.advice)]
    return Result(data, "\n".join(lines))


def _changed(rows: "Sequence[ConnectionRow]", word: str) -> Result:
    from services.connections import as_json

    names = ", ".join(safe(row.name) for row in rows)
    return Result([as_json(row) for row in rows], f"{word} {names}." if rows else "Nothing to change.")


def _as_table(rows: "Sequence[ConnectionRow]") -> str:
    if not rows:
        return "No connections yet. Add one with `connections add`, or bring them with `import FILE`."
    cells = [
        (
            row.name,
            row.exchange,
            row.account_type,
            row.environment,
            "yes" if row.enabled else "no",
            "yes" if row.live_trade else "no",
            "set" if row.api_key_set and row.api_secret_set else "not set",
            ", ".join(row.tags),
        )
        for row in rows
    ]
    headings = ("Name", "Exchange", "Type", "Environment", "Enabled", "Live", "Credentials", "Tags")
    return f"{table(headings, cells)}\n\n{count(len(rows), 'connection')}"


def _key_ending(core: "Core", connection_id: str) -> str | None:
    try:
        return core.connections.key_ending(connection_id)
    except VaultError:
        # A locked vault hides the hint; everything else about the connection can be shown.
        return None


def _shown(value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(str(one) for one in value)
    return "" if value is None else value
