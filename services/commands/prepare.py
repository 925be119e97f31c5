"""`prepare`: makes a data folder ready before the first start; a build may run it any number of times."""

from typing import TYPE_CHECKING

from services.commands.output import FINE, PROBLEM, Result, pairs
from services.commands.parser import add

if TYPE_CHECKING:
    import argparse

    from services.commands.parser import Parser
    from services.core import Core


def register(commands: "argparse._SubParsersAction[Parser]") -> None:
    parser = add(commands, "prepare", prepare, "make the folders, check the configuration, read every migration")
    parser.set_defaults(starts=False)


def prepare(core: "Core", arguments: "argparse.Namespace") -> Result:  # noqa: ARG001
    ready = core.startup.prepare()
    problem = ready.configuration.problem
    data = {
        "data_folder": {"path": str(ready.folder), "temporary": ready.temporary},
        "folders": [str(folder) for folder in ready.folders],
        "store": {"wanted": ready.configuration.wanted, "location": ready.configuration.location},
        "migrations": ready.migrations,
        "problem": problem.as_json() if problem else None,
    }
    text = pairs(
        [
            ("Data folder", f"{ready.folder}{' (temporary)' if ready.temporary else ''}"),
            ("Folders", ", ".join(folder.name for folder in ready.folders)),
            ("Store", ready.configuration.sentence),
            (
                "Migrations",
                ", ".join(f"{number} for {name}" for name, number in ready.migrations.items()) + ", all read",
            ),
        ]
    )
    return Result(data, text, FINE if ready.configuration.valid else PROBLEM, problem)
