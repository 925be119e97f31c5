"""Moving all records from one database to another: what would move, how far it is, what came of it."""

from enum import StrEnum
from typing import NamedTuple

from models.problem import Problem


class TargetState(StrEnum):
    """What is at the target now. `earlier` is an own attempt that was interrupted: it is finished."""

    EMPTY = "empty"
    EARLIER = "earlier"
    REPLACED = "replaced"
    OCCUPIED = "occupied"
    UNKNOWN = "unknown"


class MovePreview(NamedTuple):
    """What a move would do. `there` is how many connections the target has; `problem` keeps it from being done.

    REPLACED: the data folder has an older database; it is kept in quarantine when the new one takes its place.
    """

    source: str
    target: str
    connections: int
    rows: int
    state: TargetState
    there: int
    sentence: str
    problem: Problem | None = None


class MoveProgress(NamedTuple):
    """How far a move is, in rows; `step` is a word for people."""

    step: str
    done: int
    total: int


class Moved(NamedTuple):
    """What a move did: every one of `rows` was compared by its sha256 on both sides.

    `kept` names connections that had been changed at the target since an earlier attempt and stayed as they were there;
    `left_out` are tables of other programs that the target does not have. `switched`: the target is in use now; else
    `sentence` says what is left to do.
    """

    source: str
    target: str
    connections: int
    rows: int
    kept: tuple[str, ...]
    left_out: tuple[str, ...]
    switched: bool
    sentence: str
