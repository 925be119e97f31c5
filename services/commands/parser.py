"""The words of the command line. Never echoes a value back: somebody may have typed a secret where none belongs."""

import argparse
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NoReturn

from services.commands.output import Result

if TYPE_CHECKING:
    from types import ModuleType

    from services.core import Core

Handler = Callable[["Core", argparse.Namespace], Result]


class UsageError(Exception):
    """The command line is not one that we know. `program` is what to ask for help."""

    def __init__(self, sentence: str, program: str) -> None:
        super().__init__(sentence)
        self.program = program


class _Formatter(argparse.HelpFormatter):
    """One is made for every argument; asking the terminal's width each time costs more than all the rest."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=100)


class Parser(argparse.ArgumentParser):
    """argparse without abbreviations and without its messages, which repeat what was typed."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        ours = {"allow_abbrev": False, "formatter_class": _Formatter}
        super().__init__(*args, **{**ours, **kwargs})  # type: ignore[arg-type]

    def error(self, message: str) -> NoReturn:
        raise UsageError(_sentence(message), self.prog)

    def parse(self, words: list[str]) -> argparse.Namespace:
        """Return the arguments; raises UsageError naming options that we do not know, never their values."""
        arguments, unknown = self.parse_known_args(words)
        if unknown:
            options = sorted({word.partition("=")[0] for word in unknown if word.startswith("--")})
            named = f"There is no option {', '.join(options)}." if options else "There are too many words."
            raise UsageError(
                f"{named} Secrets are read from standard input or a file, never from the command line.",
                self.prog,
            )
        return arguments


def build(program: str, words: Sequence[str] = ()) -> Parser:
    """Return the parser of every command, or, where `words` begin with `status`, of that one: it may be asked often."""
    parser = Parser(
        prog=program,
        usage=f"{program} [--data-dir DIR] [--json] [COMMAND ...]",
        description="CTS Connections: exchange API connections and the database behind them.",
        epilog="Without a command the window opens. --json prints for scripts and may stand before or after the "
        "command. Exit codes: 0 fine, 1 a problem (told on standard error), 2 wrong usage, 3 done, but on fallback.",
    )
    # Both are taken out of the words before the parser sees them; they stand here for --help.
    parser.add_argument("--data-dir", metavar="DIR", help="the data folder to use (else CTS_DATA_DIR, else the usual)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--version", action="store_true", help="print the version and end")
    commands = parser.add_subparsers(metavar="COMMAND", dest="command", parser_class=Parser, prog=program)
    for module in _modules(words):
        module.register(commands)
    return parser


def _modules(words: Sequence[str]) -> "tuple[ModuleType, ...]":
    from services.commands import status

    if words and words[0] == "status":
        return (status,)
    from services.commands import (
        backups,
        changes,
        connections,
        database,
        health,
        legacy,
        migrations,
        moving,
        prepare,
        transfer,
        vault,
    )

    return (
        status,
        health,
        prepare,
        migrations,
        connections,
        transfer,
        changes,
        backups,
        database,
        moving,
        vault,
        legacy,
    )


def add(
    commands: "argparse._SubParsersAction[Parser]",
    name: str,
    handler: Handler,
    help_text: str,
    *,
    writes: bool = False,
    migrates: bool = True,
) -> Parser:
    """Add one command. `writes`: it is refused while another program holds the data folder.

    Without `migrates` the start leaves what is pending, and what CTS v3.1 left, as it is.
    """
    parser = commands.add_parser(name, help=help_text, description=help_text)
    parser.set_defaults(handler=handler, writes=writes, starts=True, takes="", migrates=migrates)
    return parser


def add_group(
    commands: "argparse._SubParsersAction[Parser]", name: str, default: Handler, help_text: str
) -> "argparse._SubParsersAction[Parser]":
    """Add a command that has commands of its own; without one it does `default`, which only reads."""
    return add(commands, name, default, help_text).add_subparsers(metavar="WHAT", dest="what", parser_class=Parser)


def _sentence(message: str) -> str:
    if "the following arguments are required" in message:
        return f"Missing: {message.rpartition(': ')[2]}."
    if "expected" in message and "argument" in message:
        return f"{message.partition(': ')[0].removeprefix('argument ')} needs a value."
    if "invalid choice" in message:
        choices = message.rpartition("(choose from ")[2].rstrip(")").replace("'", "")
        return f"That command is not known; known are: {choices}."
    if "invalid" in message and "value" in message:
        return f"{message.partition(': ')[0].removeprefix('argument ')} is not a number."
    return "That is not a command line that is understood."
