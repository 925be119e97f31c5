"""`changes`: what waits for the database, what it refused, and the conflicts that a person has to settle."""

from typing import TYPE_CHECKING, Any

from models.change import Changes, Choice, Conflict, WaitingChange
from models.problem import Category, InputError
from models.status import StoreState
from services.commands.output import Result, count, safe, table
from services.commands.parser import add, add_group

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from services.commands.parser import Parser
    from services.core import Core


def register(commands: "argparse._SubParsersAction[Parser]") -> None:
    group = add_group(commands, "changes", show_all, "changes that wait, were refused or conflict")
    add(group, "list", show_all, "all of them, conflicts with base, mine and theirs")
    settle = add(
        group, "resolve", resolve, "settle the conflicts of a connection, or drop a refused change", writes=True
    )
    settle.add_argument("id", metavar="ID", help="a conflict, a refused change, or a connection with conflicts")
    how = settle.add_mutually_exclusive_group()
    how.add_argument("--keep", choices=[word.value for word in Choice], help="keep this side of every field")
    how.add_argument("--dismiss", action="store_true", help="forget a change that the database refused")
    settle.add_argument("--file", metavar="FILE", help='without --keep: read {"field": "mine", ...} from here')
    settle.set_defaults(takes=_takes)
    add(group, "retry", retry, "try the database again now", writes=True)
    accept = add(group, "accept-database", accept_database, "send what waits to the other database", writes=True)
    accept.add_argument("--yes", action="store_true", help="do it; without it only the question is asked")


def show_all(core: "Core", arguments: "argparse.Namespace") -> Result:  # noqa: ARG001
    changes = core.changes.all()
    return Result(as_json(changes), _text(changes))


def resolve(core: "Core", arguments: "argparse.Namespace") -> Result:
    changes = core.changes.all()
    if arguments.dismiss:
        return _dismiss(core, changes, arguments.id)
    wanted = _conflicts_of(changes, arguments.id)
    fields = getattr(arguments, "fields", None) or {}
    choices = choose(wanted, arguments.keep, fields)
    core.changes.resolve(choices, {one.id: one.seen for one in wanted})
    data = {"resolved": [{"id": one.id, "fields": list(one.fields), "kept": choices[one.id].value} for one in wanted]}
    lines = (f"{safe(one.name)}, {_named(one.fields)}: kept {choices[one.id]}." for one in wanted)
    return Result(data, "\n".join(lines))


def retry(core: "Core", arguments: "argparse.Namespace") -> Result:  # noqa: ARG001
    status = core.changes.retry_now()
    problem = status.problem.as_json() if status.problem else None
    data = {"state": status.state.value, "waiting": status.waiting, "problem": problem}
    away = status.state is StoreState.FALLBACK
    said = "The database is not back yet." if away else f"The store is {status.state.replace('_', ' ')}."
    return Result(data, f"{said} {count(status.waiting, 'change')} waiting.", problem=status.problem)


def accept_database(core: "Core", arguments: "argparse.Namespace") -> Result:
    status = core.startup.store
    if status.problem is None or status.problem.category is not Category.FENCE:
        raise InputError("Nothing is asked about the database.", "See the store with: status.")
    if not arguments.yes:
        raise InputError(
            f"{status.problem.text} {count(status.waiting, 'change')} would be sent to it.",
            "Add --yes if it is the right one.",
            category=Category.FENCE,
        )
    done = core.changes.accept_database()
    return Result(
        {"state": done.state.value, "waiting": done.waiting},
        f"The database is taken as the right one; {count(done.waiting, 'change')} waiting.",
        problem=done.problem,
    )


def choose(conflicts: "list[Conflict]", keep: str | None, fields: "Mapping[str, Any]") -> dict[str, Choice]:
    """Return a choice for every conflict; raises InputError where a field is left open or two of one unit differ."""
    known = {name for one in conflicts for name in one.fields}
    if unknown := sorted(set(fields) - known):
        raise InputError(
            f"There is no conflict about {unknown[0]}.", f"There is one about: {', '.join(sorted(known))}."
        )
    choices = {}
    for one in conflicts:
        said = {keep} if keep else {str(fields[name]) for name in one.fields if name in fields}
        if not said:
            raise InputError(f"{_named(one.fields)} is left open.", 'Say "mine" or "theirs" for it, or use --keep.')
        if len(said) > 1:
            raise InputError(f"{_named(one.fields)} belong together.", "Keep all of them from one side.")
        word = said.pop()
        if word not in set(Choice):
            raise InputError(f"{_named(one.fields)} has another choice than mine and theirs.", "Say one of them.")
        choices[one.id] = Choice(word)
    return choices


def as_json(changes: Changes) -> dict[str, Any]:
    """Return the changes for scripts. A credential is only ever a word: set, not set, another value."""
    return {
        "waiting": [
            {**one._asdict(), "fields": list(one.fields), "problem": one.problem.as_json() if one.problem else None}
            for one in changes.waiting
        ],
        "rejected": [
            {**one._asdict(), "fields": list(one.fields), "problem": one.problem.as_json()} for one in changes.rejected
        ],
        "conflicts": [{**one._asdict(), "fields": list(one.fields)} for one in changes.conflicts],
    }


def _takes(arguments: "argparse.Namespace") -> str:
    return "" if arguments.keep or arguments.dismiss else "object"


def _dismiss(core: "Core", changes: Changes, op_id: str) -> Result:
    found = next((one for one in changes.rejected if one.op_id == op_id), None)
    if found is None:
        raise InputError(
            "No refused change has this id.", "See which there are with: changes list.", category=Category.NOT_FOUND
        )
    core.changes.dismiss(op_id)
    return Result({"dismissed": op_id, "name": found.name}, f"The refused change of {safe(found.name)} is forgotten.")


def _conflicts_of(changes: Changes, wanted: str) -> list[Conflict]:
    found = [one for one in changes.conflicts if wanted in (one.id, one.connection_id)]
    found = found or [one for one in changes.conflicts if one.name == wanted]
    if not found:
        raise InputError(
            "There is no such conflict.", "See which there are with: changes list.", category=Category.NOT_FOUND
        )
    if len({one.connection_id for one in found}) > 1:
        raise InputError(
            "More than one connection of this name has conflicts.", "Use its id.", category=Category.AMBIGUOUS
        )
    return found


def _text(changes: Changes) -> str:
    parts = []
    if changes.waiting:
        rows = [
            (one.name, one.kind, _named(one.fields), _cause(one), one.made_at, one.device) for one in changes.waiting
        ]
        parts.append(table(("Waiting", "Change", "Fields", "Why", "Made", "By"), rows))
        causes = dict.fromkeys(one.problem for one in changes.waiting if one.problem)
        parts += [f"{cause.category}: {safe(cause.text)} {safe(cause.at_terminal)}" for cause in causes]
    if changes.rejected:
        refused = [(one.name, one.kind, one.problem.text, one.made_at, one.op_id) for one in changes.rejected]
        parts.append(table(("Refused", "Change", "Why", "Made", "Id"), refused))
    if changes.conflicts:
        sides = [
            (
                one.name,
                name,
                _shown(one.base, name),
                _shown(one.mine, name),
                _shown(one.theirs, name),
                one.device,
                one.id,
            )
            for one in changes.conflicts
            for name in one.fields
        ]
        parts.append(table(("Conflict", "Field", "Before", "Mine", "Theirs", "Mine is by", "Id"), sides))
    return "\n\n".join(parts) or "Nothing waits, nothing was refused, nothing conflicts."


def _cause(one: WaitingChange) -> str:
    return one.problem.category if one.problem else ""


def _named(fields: tuple[str, ...]) -> str:
    return ", ".join(name.replace("_", " ") for name in fields)


def _shown(side: dict[str, Any], name: str) -> object:
    value = side.get(name)
    return "" if value is None else value
