"""The program on a command line: no window, no Qt, one exit code."""

import gc
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from models import VERSION
from models.problem import Category, CtsError, Problem
from models.status import StoreState
from services.commands import output

if TYPE_CHECKING:
    import argparse

    from services.commands.output import Result
    from services.core import Core

PROGRAM_FAULT = Problem(
    Category.BUG,
    "The program made a mistake of its own.",
    "Try again; if it stays, report it with the last lines of the log in the data folder.",
)


def run(words: list[str], make_core: Callable[[bool], "Core"], *, as_json: bool, program: str) -> int:
    """Run one command and return its exit code. `make_core` gets whether the command writes."""
    try:
        return _run_parsed(words, make_core, as_json=as_json, program=program)
    finally:
        gc.enable()


def _run_parsed(words: list[str], make_core: Callable[[bool], "Core"], *, as_json: bool, program: str) -> int:
    from services.commands.parser import UsageError, build

    try:
        arguments = build(program, words).parse(words)
        arguments.json = as_json
        if arguments.version:
            output.write_result(output.Result({"version": VERSION}, f"CTS Connections {VERSION}"), as_json=as_json)
            return output.FINE
        if arguments.command is None:
            raise UsageError("A command is missing.", program)
        return _run(arguments, make_core, as_json=as_json)
    except UsageError as error:
        problem = Problem(Category.INVALID, str(error), f"See: {error.program} --help")
        output.write_problem(problem, as_json=as_json)
        return output.USAGE
    except KeyboardInterrupt:
        return output.INTERRUPTED
    except BrokenPipeError:
        _drop_output()
        return output.BROKEN_PIPE
    except OSError as error:
        # Only printing gets here: everything else has been made a Problem before.
        _drop_output()
        output.write_problem(
            Problem(Category.IO, f"The output could not be written ({error.strerror}).", "Check where it goes."),
            as_json=as_json,
        )
        return output.PROBLEM


def _run(arguments: "argparse.Namespace", make_core: Callable[[bool], "Core"], *, as_json: bool) -> int:
    core: Core | None = None
    try:
        _read_input(arguments)
        core = make_core(_writes(arguments))
        if arguments.starts:
            core.startup.run(migrates=arguments.migrates)
        gc.freeze()
        gc.enable()
        result = _handle(core, arguments)
    except CtsError as error:
        result = _failed(error.problem)
    except Exception:
        # The boundary of a command: a bug is logged with its traceback, and a script gets its answer.
        import logging

        logging.getLogger(__name__).exception("A command failed.")
        result = _failed(PROGRAM_FAULT)
    finally:
        if core is not None:
            core.startup.close()
    if result.data is None:
        if result.problem:
            output.write_problem(result.problem, as_json=as_json)
    else:
        output.write_result(result, as_json=as_json)
    return result.code


def _read_input(arguments: "argparse.Namespace") -> None:
    """Read what the command takes before anything is opened: typing takes a while, and others want the folder."""
    if not arguments.takes:
        return
    from services.commands import reading

    what = arguments.takes(arguments) if callable(arguments.takes) else arguments.takes
    if what == "object":
        arguments.fields = reading.read_object(arguments.file)
    elif what == "passphrase":
        arguments.passphrase = reading.read_passphrase(arguments.file)
    elif what == "recovery key":
        arguments.recovery_key, arguments.passphrase = reading.read_recovery(arguments.file, arguments.passphrase_file)
    elif what == "target":
        arguments.target = reading.read_target(arguments.file)


def _handle(core: "Core", arguments: "argparse.Namespace") -> "Result":
    if _writes(arguments) and core.startup.in_use:
        return _failed(core.startup.in_use)
    result: Result = arguments.handler(core, arguments)
    if result.code == output.FINE and arguments.starts:
        store = core.startup.store
        if store.state is StoreState.FALLBACK:
            return result._replace(code=output.ON_FALLBACK, problem=result.problem or store.problem)
    return result


def _writes(arguments: "argparse.Namespace") -> bool:
    """Tell whether this call changes something: a preview of a command that writes does not."""
    return bool(arguments.writes and getattr(arguments, "yes", True) and not getattr(arguments, "dry_run", False))


def _failed(problem: Problem) -> "Result":
    return output.Result(None, "", output.PROBLEM, problem)


def _drop_output() -> None:
    """Let the interpreter end without a second complaint about an output that is gone."""
    import os

    devnull = os.open(os.devnull, os.O_WRONLY)
    if sys.stdout is not None:
        os.dup2(devnull, sys.stdout.fileno())
