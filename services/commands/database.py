"""`database`: the PostgreSQL that the settings name, as the window's form has it; its password is never shown."""

from typing import TYPE_CHECKING, Any

from models.problem import InputError
from models.secret import Secret
from services.commands.output import PROBLEM, Result, pairs, safe
from services.commands.parser import add, add_group

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from models.database_form import DatabaseForm, DatabaseSettings
    from services.commands.parser import Parser
    from services.core import Core


def register(commands: "argparse._SubParsersAction[Parser]") -> None:
    group = add_group(commands, "database", show, "the PostgreSQL of the settings")
    add(group, "show", show, "what is in force, and who says so")
    _fed(add(group, "test", test, "connect as a JSON object says (host, port, database, user, password, tls)"))
    _fed(add(group, "set", save, "keep such an object, and use that database from now on", writes=True))
    add(group, "clear", clear, "forget it, and use the data folder's own database", writes=True)


def show(core: "Core", arguments: "argparse.Namespace") -> Result:  # noqa: ARG001
    return _current(core.database_settings.current)


def test(core: "Core", arguments: "argparse.Namespace") -> Result:
    tried = core.database_settings.test(form_of(arguments.fields))
    data = {**tried._asdict(), "problem": tried.problem.as_json() if tried.problem else None}
    text = "" if tried.problem and not tried.server_version else f"{tried.sentence} {tried.milliseconds} ms."
    return Result(data, text, PROBLEM if tried.problem else 0, tried.problem)


def save(core: "Core", arguments: "argparse.Namespace") -> Result:
    return _current(core.database_settings.save(form_of(arguments.fields)))


def clear(core: "Core", arguments: "argparse.Namespace") -> Result:  # noqa: ARG001
    return _current(core.database_settings.clear())


def form_of(fields: "Mapping[str, Any]") -> "DatabaseForm":
    """Return the form that a JSON object fills in; raises InputError for a field that it does not have."""
    from models.database_form import DatabaseForm

    if unknown := sorted(set(fields) - set(DatabaseForm._fields)):
        names = ", ".join(DatabaseForm._fields)
        raise InputError(f"There is no field {safe(unknown[0][:50])}.", f"The fields are: {names}.")
    password = fields.get("password")
    if password is not None and not isinstance(password, str):
        raise InputError("The password is not text.", "Give it as a string, or leave it out.", field="password")
    given = {name: value for name, value in fields.items() if name != "password"}
    return DatabaseForm(**given, password=None if password is None else Secret(password))


def _current(current: "DatabaseSettings") -> Result:
    form = {name: value for name, value in current.form._asdict().items() if name != "password"}
    data = {
        **form,
        "password_set": current.password_set,
        "source": current.source,
        "location": current.location,
        "fixed": current.fixed,
        "problem": current.problem.as_json() if current.problem else None,
    }
    by = {"": "nobody: the data folder's own database is used", "settings": "the settings"}
    facts = [("Asked for by", by.get(current.source, f"{current.source}, which wins over the settings"))]
    facts += [("Location", current.location)] if current.location else []
    facts += [("Password", "set" if current.password_set else "not set")] if current.location else []
    return Result(data, pairs(facts), PROBLEM if current.problem else 0, current.problem)


def _fed(parser: "Parser") -> None:
    parser.add_argument("--file", metavar="FILE", help="read the JSON object from here instead of standard input")
    parser.set_defaults(takes="object")
