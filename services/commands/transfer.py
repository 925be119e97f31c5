"""`import` and `export`: connections in and out by files."""

from pathlib import Path
from typing import TYPE_CHECKING

from models.problem import Category, Problem
from services.commands.output import PROBLEM, Result, count, safe, table
from services.commands.parser import add

if TYPE_CHECKING:
    import argparse

    from services.commands.parser import Parser
    from services.core import Core


def register(commands: "argparse._SubParsersAction[Parser]") -> None:
    bring = add(commands, "import", bring_in, "add the connections of our JSON files or those of CTS", writes=True)
    bring.add_argument("files", nargs="+", metavar="FILE")
    bring.add_argument("--dry-run", action="store_true", help="only show what would be added")
    take = add(commands, "export", take_out, "write the connections to a JSON file, without their secrets")
    take.add_argument("export_file", metavar="FILE")


def bring_in(core: "Core", arguments: "argparse.Namespace") -> Result:
    paths = [Path(name) for name in arguments.files]
    items = core.transfer.preview(paths) if arguments.dry_run else core.transfer.apply(paths)
    added = sum(item.action == "add" for item in items)
    refused = sum(item.action == "refuse" for item in items)
    rows = [
        (item.action, item.name, item.exchange, " ".join((item.sentence, *item.advice)), item.source) for item in items
    ]
    verb = "would be added" if arguments.dry_run else "added"
    data = {
        "dry_run": arguments.dry_run,
        "added": added,
        "refused": refused,
        "items": [{**item._asdict(), "advice": list(item.advice)} for item in items],
    }
    text = table(("", "Name", "Exchange", "", "From"), rows) + "\n\n" if rows else ""
    text += f"{count(added, 'connection')} {verb}, {refused:,} refused."
    if not refused:
        return Result(data, text)
    problem = Problem(
        Category.INVALID,
        f"{count(refused, 'record')} of {len(items):,} {'was' if refused == 1 else 'were'} refused.",
        "Correct what the list names and import the file again; what is there already is skipped.",
    )
    return Result(data, text, PROBLEM, problem)


def take_out(core: "Core", arguments: "argparse.Namespace") -> Result:
    path = Path(arguments.export_file)
    number = core.transfer.export(path)
    text = f"{count(number, 'connection')} written to {safe(path)}, without secrets."
    return Result({"file": str(path), "connections": number, "secrets": False}, text)
