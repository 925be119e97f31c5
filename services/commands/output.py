"""What commands print: whole or not at all, safe on a terminal whatever a name holds, ASCII JSON for scripts."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TextIO

from models.problem import Problem

FINE = 0
PROBLEM = 1
USAGE = 2
ON_FALLBACK = 3
INTERRUPTED = 130
BROKEN_PIPE = 141

_JOINERS = "\u200c\u200d"


class Result(NamedTuple):
    """What a command has to say: `data` for --json, `text` for people; `problem` is told on standard error."""

    data: Any
    text: str
    code: int = FINE
    problem: Problem | None = None


def safe(text: object) -> str:
    """Return one line in which nothing moves a cursor, changes a colour or turns the direction of writing."""
    line = str(text)
    if line.isprintable():
        return line
    return "".join(c if c.isprintable() or c in _JOINERS else _escape(c) for c in line)


def safe_lines(text: str) -> str:
    """As `safe`, for text that has lines, such as SQL."""
    return "\n".join(safe(line.expandtabs(4)) for line in text.splitlines())


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return aligned columns, two spaces apart, without trailing blanks."""
    lines = [list(headings), *([safe(cell) for cell in row] for row in rows)]
    widths = [max(_width(line[column]) for line in lines) for column in range(len(headings))]
    return "\n".join(
        "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def pairs(items: Iterable[tuple[str, object]]) -> str:
    """Return `label  value` lines with the values under each other; a tuple is several lines of one value."""
    known = [(label, value if isinstance(value, tuple) else (value,)) for label, value in items]
    width = max((len(label) for label, _ in known), default=0)
    lines = (
        f"{'' if number else label:<{width}}  {safe(line)}".rstrip()
        for label, value in known
        for number, line in enumerate(value or ("",))
    )
    return "\n".join(lines)


def count(number: int, word: str) -> str:
    """Return `1 connection`, `2 connections`."""
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def write_result(result: Result, *, as_json: bool) -> None:
    """Print the result in one piece; the problem, if any, goes to standard error after it."""
    text = json.dumps(result.data, indent=2) if as_json else result.text
    if text:
        _write(sys.stdout, text + "\n")
    if result.problem:
        write_problem(result.problem, as_json=as_json)


def write_problem(problem: Problem, *, as_json: bool) -> None:
    if as_json:
        _write(sys.stderr, json.dumps(problem.as_json()) + "\n")
    else:
        _write(sys.stderr, f"{problem.category}: {safe(problem.text)} {safe(problem.at_terminal)}".rstrip() + "\n")


def on_the_way(step: str) -> None:
    """Tell a person at the terminal what a long run has done; scripts get the result alone."""
    if sys.stderr is not None and sys.stderr.isatty():
        _write(sys.stderr, f"{safe(step)}\n")


def _write(stream: TextIO | None, text: str) -> None:
    if stream is None:
        return
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) or c in _JOINERS else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def _escape(character: str) -> str:
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
