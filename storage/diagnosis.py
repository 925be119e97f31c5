"""From an error to a Problem. The order: our own errors, codes, then what Python itself says about a value.

A driver's text may hold values from a record, so none of it reaches a Problem: only names of columns, which are ours.
"""

import errno
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from models.problem import Category, CtsError, Problem
from storage.diagnosis_texts import CASES, ERRNO, SQLITE, category_of

_DRIVERS = {"sqlite3", "_sqlite3", "pysqlite3", "pysqlite3.dbapi2"}
_COLUMN = re.compile(r"(?:UNIQUE|NOT NULL) constraint failed: (\w+)\.(\w+)(?:, .*)?", re.ASCII)
_CHECK = re.compile(r"CHECK constraint failed: (\w{1,60})", re.ASCII)
_NO_SUCH = re.compile(r"no such (?:table|column|index|view|function)|table \S+ has (?:no column|\d+ columns)")


def diagnose(error: BaseException, *, where: str, path: Path | None = None) -> Problem:
    """Return what a person reads about `error`, which happened at `where` ("data/cts.db").

    With `path` a file that does not open is looked at, and the text says which of the reasons it is.
    """
    chain = list(_unwrap(error))
    for link in chain:
        if isinstance(link, CtsError):
            return link.problem
    for link in chain:
        if (problem := _recognise(link, where, path)) is not None:
            return problem
    return problem_for("BUG", where=where, detail=_place(error))


def problem_for(case: str, *, where: str, detail: str = "", field: str = "") -> Problem:
    """Return the Problem of one row of the table, for what is noticed without an error (MOVED, EMPTY_DB)."""
    words = CASES[case]
    return Problem(
        category_of(case),
        words.text.format(where=where, field=field),
        words.solution.format(where=where, field=field),
        detail,
        words.by_command.format(where=where, field=field),
    )


def _unwrap(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and what it wraps: Peewee keeps the driver's as `orig`, others as cause or context."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        original = getattr(link, "orig", None)
        link = original if isinstance(original, BaseException) else link.__cause__ or link.__context__


def _recognise(error: BaseException, where: str, path: Path | None) -> Problem | None:
    code = getattr(error, "sqlite_errorcode", None)
    if isinstance(code, int):
        return _from_sqlite(error, code, where, path)
    if isinstance(error, OSError) and error.errno is not None:
        case = ERRNO.get(error.errno, "UNKNOWN")
        if case == "CANT_OPEN.missing" and path is not None and not path.parent.is_dir():
            case = "CANT_OPEN.no_folder"
        return problem_for(case, where=where, detail=errno.errorcode.get(error.errno, f"errno {error.errno}"))
    if type(error).__module__.startswith("psycopg2"):
        return _from_postgresql(error)
    if _from_driver(error):
        return _without_code(error, where)
    guess = _python_case(error)
    return problem_for(guess, where=where, detail=type(error).__name__) if guess else None


def _from_postgresql(error: BaseException) -> Problem:
    # The driver is loaded, or there would be no such error; who has only SQLite never pays for it.
    from storage.postgresql.failure import address_of, is_closed, problem_of

    return problem_of(error, address_of(error), closed=is_closed(error), probe=None)


def _from_sqlite(error: BaseException, code: int, where: str, path: Path | None) -> Problem:
    detail = f"SQLite {code} {getattr(error, 'sqlite_errorname', '')}".strip()
    case = SQLITE.get(code) or SQLITE.get(code & 0xFF, "UNKNOWN")
    message = str(error)
    if category_of(case) is Category.CONSTRAINT:
        return _constraint(case, message, where, detail)
    if case == "CANT_OPEN" and path is not None:
        case = why_not_opened(path)
    if code == 1 and _NO_SUCH.match(message):
        case = "SCHEMA"
    return problem_for(case, where=where, detail=detail)


def _constraint(case: str, message: str, where: str, detail: str) -> Problem:
    match = _COLUMN.fullmatch(message)
    if match is not None:
        if match.groups() == ("exchange_connections", "name") and case == "CONSTRAINT.unique":
            case = "CONSTRAINT.unique_name"
        return problem_for(case, where=where, detail=f"{detail} {match[1]}.{match[2]}", field=_label(match[2]))
    match = _CHECK.fullmatch(message)
    if match is not None:
        return problem_for(case, where=where, detail=f"{detail} {match[1]}", field=_label(match[1]))
    return problem_for(
        "CONSTRAINT.foreign_key" if case.endswith("foreign_key") else "CONSTRAINT", where=where, detail=detail
    )


def why_not_opened(path: Path) -> str:
    """Return the row for a file that SQLite could not open; it says 14 for a dozen different reasons."""
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - os.stat and os.access are one pair
    except PermissionError:
        return "CANT_OPEN.permission"
    except OSError as error:
        if error.errno not in {errno.ENOENT, errno.ENOTDIR}:
            return ERRNO.get(error.errno or 0, "CANT_OPEN")
        if path.parent.is_dir():
            return "CANT_OPEN.missing" if os.access(path.parent, os.W_OK) else "NOT_WRITABLE.folder"
        return "CANT_OPEN.not_a_folder" if error.errno == errno.ENOTDIR else "CANT_OPEN.no_folder"
    if stat.S_ISDIR(mode):
        return "CANT_OPEN.is_folder"
    if not stat.S_ISREG(mode):
        return "CANT_OPEN.not_ordinary"
    return "CANT_OPEN" if os.access(path, os.R_OK) else "CANT_OPEN.permission"


def _from_driver(error: BaseException) -> bool:
    return any(kind.__module__ in _DRIVERS for kind in type(error).__mro__)


def _without_code(error: BaseException, where: str) -> Problem:
    """Errors of Python's sqlite3 module itself carry no code; only what they begin with is used."""
    message = str(error)
    case = "BUG"
    if message.startswith(("Error binding parameter", "Python int too large")):
        case = "DATA"
    elif message.startswith("Could not decode to UTF-8"):
        case = "DATA.stored_text"
    elif message.startswith("database disk image is malformed"):
        case = "CORRUPT"
    return problem_for(case, where=where, detail=f"sqlite3.{type(error).__name__}")


def _python_case(error: BaseException) -> str | None:
    if isinstance(error, RecursionError | UnicodeDecodeError) or type(error).__name__ == "JSONDecodeError":
        return "BAD_FILE"
    if isinstance(error, UnicodeEncodeError):
        return "DATA.text"
    if isinstance(error, OverflowError):
        return "DATA.number"
    return "DATA" if isinstance(error, ValueError) else None


def _place(error: BaseException) -> str:
    """Return the class and the line where it was raised; the message may hold a value and stays away."""
    trace = error.__traceback__
    if trace is None:
        return type(error).__name__
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f"{type(error).__name__} in {Path(trace.tb_frame.f_code.co_filename).name}, line {trace.tb_lineno}"


def _label(column: str) -> str:
    text = column.replace("_", " ")
    return text[:1].upper() + text[1:]
