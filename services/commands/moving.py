"""`move`: every record from the data folder's database into a PostgreSQL, or back, compared one by one."""

import sys
from typing import TYPE_CHECKING, Any

from services.commands.output import FINE, PROBLEM, Result, count, safe
from services.commands.parser import add

if TYPE_CHECKING:
    import argparse

    from models.moving import Moved, MovePreview, MoveProgress
    from services.commands.parser import Parser
    from services.core import Core

KINDS = ("sqlite", "postgresql")


def register(commands: "argparse._SubParsersAction[Parser]") -> None:
    move = add(
        commands, "move", run, "copy everything into another database, compare it, and use that one", writes=True
    )
    move.add_argument("kind", choices=KINDS, metavar="KIND", help=", ".join(KINDS))
    move.add_argument(
        "--to-url-file",
        dest="file",
        metavar="FILE",
        help="the URL of the PostgreSQL, or a JSON object as for `database set`; else it is read from standard input",
    )
    move.add_argument("--yes", action="store_true", help="do it; without it only what would happen is said")
    move.set_defaults(takes=lambda arguments: "target" if arguments.kind == "postgresql" else "")


def run(core: "Core", arguments: "argparse.Namespace") -> Result:
    target = "sqlite" if arguments.kind == "sqlite" else arguments.target
    if not arguments.yes:
        return _previewed(core.moving.preview(target))
    watch = _Progress() if sys.stderr is not None and sys.stderr.isatty() else None
    return _moved(core.moving.move(target, watch) if watch else core.moving.move(target))


class _Progress:
    """Says on a terminal how far it is, on one line."""

    def __call__(self, progress: "MoveProgress") -> None:
        sys.stderr.write(f"\r{progress.done:,} of {progress.total:,} {safe(progress.step)}\x1b[K")
        if progress.done >= progress.total:
            sys.stderr.write("\n")
        sys.stderr.flush()


def _previewed(preview: "MovePreview") -> Result:
    data: dict[str, Any] = {
        **preview._asdict(),
        "done": False,
        "state": preview.state.value,
        "problem": preview.problem.as_json() if preview.problem else None,
    }
    ask = "" if preview.problem else "\nNothing was changed. Add --yes to do it."
    text = f"{safe(preview.source)} -> {safe(preview.target)}\n{safe(preview.sentence)}{ask}"
    return Result(data, text, PROBLEM if preview.problem else FINE, preview.problem)


def _moved(moved: "Moved") -> Result:
    data = {**moved._asdict(), "done": True, "kept": list(moved.kept), "left_out": list(moved.left_out)}
    facts = f"{count(moved.connections, 'connection')}, {count(moved.rows, 'row')} in all, each compared."
    return Result(data, f"{safe(moved.source)} -> {safe(moved.target)}\n{facts}\n{safe(moved.sentence)}")
