"""What an error code means, and what a person reads about it. Data only: storage/diagnosis.py finds the row.

A row's name is its category, with a variant after a dot where one category needs several sentences. `{where}` is the
file or database as the person knows it; no other part of an error enters a text.
"""

import errno
from typing import NamedTuple

from models.problem import Category


class Case(NamedTuple):
    """One row: what happened, and one thing to do; at a terminal that may be another (see Problem)."""

    text: str
    solution: str
    by_command: str = ""


CASES: dict[str, Case] = {
    "BUSY": Case(
        "Another program holds {where}.",
        "Close the program that has it open, or wait, and try again.",
    ),
    "BUSY.opening": Case(
        "Another program holds {where}, so it could not be opened yet.",
        "Close the program that has it open, or wait: it is opened as soon as it is free.",
    ),
    "CONTENTION": Case(
        "Another desktop was changing {where} at the same moment.",
        "Try again; nothing was changed.",
    ),
    "SLOW": Case(
        "The call to {where} was stopped because it took too long.",
        "Try again; nothing was changed.",
    ),
    "CORRUPT": Case(
        "{where} is damaged, or it is not a database.",
        "The damaged file is kept in quarantine; check what was restored on the Database page.",
        "The damaged file is kept in quarantine; check what was restored: `connections list`.",
    ),
    "CORRUPT.backup": Case(
        "{where} is damaged, or it is no backup of this program. Nothing was changed.",
        "Choose another backup; the Database page shows which there are.",
        "Choose another backup; `backup list` shows which there are.",
    ),
    "DISK_FULL": Case(
        "There is no space left for {where}. Nothing is lost: the last save was not made.",
        "Free some space and save again.",
    ),
    "IO": Case(
        "The disk did not read or write {where}.",
        "Check the disk; copy the data folder to another one if this happens again.",
    ),
    "IO.too_large": Case(
        "{where} may not grow any further: this user's limit for the size of a file is reached.",
        "Raise the limit (ulimit -f) and save again.",
    ),
    "IO.too_many_open": Case(
        "{where} could not be opened: too many files are open.",
        "Close other programs, or raise the limit (ulimit -n), and try again.",
    ),
    "NOT_WRITABLE": Case(
        "{where} is write-protected. It can be read, and nothing can be changed.",
        "Make the file and its folder writable for this user.",
    ),
    "NOT_WRITABLE.read_only_disk": Case(
        "{where} is on a disk that is mounted read-only.",
        "Mount the disk for writing, or start with --data-dir and another folder.",
    ),
    "NOT_WRITABLE.folder": Case(
        "The folder of {where} is write-protected, so nothing can be changed.",
        "Make the folder writable for this user.",
    ),
    "NOT_WRITABLE.permission": Case(
        "This user has no permission for {where}.",
        "Give this user the right to read and write it.",
    ),
    "CANT_OPEN": Case(
        "{where} could not be opened.",
        "Check that it is an ordinary file which this user may read and write.",
    ),
    "CANT_OPEN.missing": Case("{where} is not there.", "Put it back, or name another data folder with --data-dir."),
    "CANT_OPEN.no_folder": Case(
        "The folder of {where} is not there.",
        "Make the folder, or name another one with --data-dir.",
    ),
    "CANT_OPEN.is_folder": Case("{where} is a folder, not a file.", "Move that folder away."),
    "CANT_OPEN.not_a_folder": Case(
        "A part of the path of {where} is a file, not a folder.",
        "Move that file away, or name another folder with --data-dir.",
    ),
    "CANT_OPEN.link": Case("{where} is a link, and links are not followed.", "Put the file itself in its place."),
    "CANT_OPEN.not_ordinary": Case("{where} is not an ordinary file.", "Move it away."),
    "CANT_OPEN.permission": Case(
        "This user has no permission to open {where}.",
        "Give this user the right to read and write it.",
    ),
    "CANT_OPEN.long_name": Case("The path of {where} is too long.", "Use a data folder with a shorter path."),
    "MOVED": Case(
        "{where} was moved, deleted or replaced while it was in use.",
        "Put it back, or press “Try again” on the Database page to open the one that is there now.",
        "Put it back, or run the command again to open the one that is there now.",
    ),
    "EMPTY_DB": Case(
        "{where} is an empty file: there is nothing in it to copy or to restore.",
        "Choose a backup that holds connections; the Database page shows how many.",
        "Choose a backup that holds connections; `backup list` shows how many.",
    ),
    "SCHEMA": Case(
        "{where} was made by another version of the program: a table or a column is not as expected.",
        "Start the newest version of the program, or apply the pending migrations.",
    ),
    "CONSTRAINT": Case(
        "{where} refused the change: it breaks one of its rules.",
        "Correct the record and save again.",
    ),
    "CONSTRAINT.unique_name": Case(
        "Name is taken: another connection in {where} already has it.",
        "Choose another name and save again.",
    ),
    "CONSTRAINT.unique": Case(
        "{field} is taken: another record in {where} already has it.",
        "Choose another value and save again.",
    ),
    "CONSTRAINT.missing": Case("{field} is missing, and {where} needs it.", "Fill it in and save again."),
    "CONSTRAINT.foreign_key": Case(
        "{where} refused the change: the record belongs to another one that is not there, or is still in use.",
        "Read the list again and repeat the change.",
    ),
    "CONSTRAINT.check": Case(
        "{where} refused the change: a value is outside of what is allowed ({field}).",
        "Correct the value and save again.",
    ),
    "DATA": Case(
        "A value cannot be stored in {where}: it has the wrong kind or size.",
        "Correct the value and save again.",
    ),
    "DATA.text": Case(
        "A text cannot be stored in {where}: it holds a character that is not one.",
        "Type the text again; copying may have broken it.",
    ),
    "DATA.number": Case(
        "A number is too large for {where}.",
        "Use a smaller number and save again.",
    ),
    "DATA.stored_text": Case(
        "{where} holds a text that is not UTF-8.",
        "Correct it with the program that wrote it.",
    ),
    "BAD_FILE": Case("{where} cannot be read: its content is damaged.", "Put a good copy in its place."),
    "BAD_FILE.another": Case(
        "{where} is the database of another program: it has no table of connections. Nothing was changed.",
        "Choose a backup of this program; the Database page shows which there are.",
        "Choose a backup of this program; `backup list` shows which there are.",
    ),
    "BUG": Case(
        "The program made a mistake while it worked on {where}.",
        "Report it with the log of the Activity page; nothing was changed.",
        "Report it with the log in the data folder; nothing was changed.",
    ),
    "UNKNOWN": Case(
        "{where} failed in a way that the program does not know.",
        "Try again; if it stays, report it with the log of the Activity page.",
        "Try again; if it stays, report it with the log in the data folder.",
    ),
}

SQLITE: dict[int, str] = {
    3: "CANT_OPEN.permission",
    4: "SLOW",
    5: "BUSY",
    6: "BUSY",
    8: "NOT_WRITABLE",
    9: "SLOW",
    10: "IO",
    11: "CORRUPT",
    13: "DISK_FULL",
    14: "CANT_OPEN",
    15: "BUSY",
    17: "CONTENTION",
    18: "DATA",
    19: "CONSTRAINT",
    20: "DATA",
    21: "BUG",
    22: "IO.too_large",
    23: "NOT_WRITABLE.permission",
    25: "BUG",
    26: "CORRUPT",
    # extended codes that mean something else than their low byte
    517: "CONTENTION",  # SQLITE_BUSY_SNAPSHOT
    526: "CANT_OPEN.is_folder",  # SQLITE_CANTOPEN_ISDIR
    787: "CONSTRAINT.foreign_key",
    275: "CONSTRAINT.check",
    1299: "CONSTRAINT.missing",
    1555: "CONSTRAINT.unique",  # primary key
    2067: "CONSTRAINT.unique",
    1032: "MOVED",  # SQLITE_READONLY_DBMOVED
    1544: "NOT_WRITABLE.folder",  # SQLITE_READONLY_DIRECTORY
    4874: "DISK_FULL",  # SQLITE_IOERR_SHMSIZE
}
"""By `sqlite_errorcode`; an extended code that is not here counts as its low byte."""

ERRNO: dict[int, str] = {
    errno.ENOSPC: "DISK_FULL",
    errno.EDQUOT: "DISK_FULL",
    errno.EIO: "IO",
    errno.ENXIO: "IO",
    errno.ENODEV: "IO",
    errno.EFBIG: "IO.too_large",
    errno.EMFILE: "IO.too_many_open",
    errno.ENFILE: "IO.too_many_open",
    errno.EROFS: "NOT_WRITABLE.read_only_disk",
    errno.EACCES: "NOT_WRITABLE.permission",
    errno.EPERM: "NOT_WRITABLE.permission",
    errno.ENOENT: "CANT_OPEN.missing",
    errno.EISDIR: "CANT_OPEN.is_folder",
    errno.ENOTDIR: "CANT_OPEN.not_a_folder",
    errno.ELOOP: "CANT_OPEN.link",
    errno.ENAMETOOLONG: "CANT_OPEN.long_name",
    errno.EBUSY: "BUSY",
    errno.EAGAIN: "BUSY",
    errno.ETXTBSY: "BUSY",
    errno.EDEADLK: "BUSY",
}


def category_of(case: str) -> Category:
    return Category(case.partition(".")[0])
