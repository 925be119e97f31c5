"""The store's state in words: for the chip in the status bar, its panel, and the card on the Database page."""

from typing import NamedTuple

from gui.figures import count_text
from models.problem import Category
from models.status import Backend, StoreState, StoreStatus

BACKENDS = {Backend.SQLITE: "SQLite", Backend.POSTGRESQL: "PostgreSQL", Backend.JSON: "JSON files"}
_STATES = {
    StoreState.ONLINE: "",
    StoreState.FALLBACK: "database away",
    StoreState.RECONCILING: "sending changes",
    StoreState.READ_ONLY: "read-only",
}
_SIGNS = {"ok": "●", "accent": "↻", "warning": "▲", "error": "✕"}
_ON_PAPER = "What is changed now is kept in the data folder and sent once the database is back."


class StoreWords(NamedTuple):
    """`level` is ok, accent, warning or error; `sign` says the same by its form."""

    sign: str
    short: str
    level: str
    headline: str
    cause: str
    solution: str


def store_words(status: StoreStatus) -> StoreWords:
    """Say what the store is, why it is so, and what to do."""
    level = _level(status)
    state = "opening" if is_opening(status) else _STATES[status.state]
    short = ", ".join(part for part in (BACKENDS[status.backend], state) if part)
    problem = status.problem
    return StoreWords(
        _SIGNS[level],
        short,
        level,
        _headline(status),
        problem.text if problem else "",
        problem.solution if problem else "",
    )


def place(location: str) -> str:
    """Return where a database is, as people say it: "desk@db1:5432/cts" for a masked URL, else the path."""
    return location.removeprefix("postgresql://").replace(":***@", "@")


def countdown(status: StoreStatus, seconds: float | None) -> str:
    """Say when the next try comes; `seconds` are those that are left, None where none comes by itself."""
    if status.trying or (seconds is not None and seconds <= 0):
        return "trying now"
    if seconds is None:
        return ""
    return f"next try in {max(1, round(seconds))} s"


def may_retry(status: StoreStatus) -> bool:
    """Tell whether another try now could change anything."""
    category = status.problem.category if status.problem else None
    return status.state is not StoreState.ONLINE and category not in {Category.IN_USE, Category.FENCE}


def counts(status: StoreStatus) -> tuple[tuple[str, str], ...]:
    """Return what is not simply stored as (part of the Database page, text), without what there is none of."""
    named = (
        ("waiting", status.waiting, "waiting", "waiting"),
        ("conflicts", status.conflicts, "conflict", "conflicts"),
        ("rejected", status.rejected, "refused", "refused"),
    )
    return tuple((part, count_text(count, one, many)) for part, count, one, many in named if count)


def is_opening(status: StoreStatus) -> bool:
    """Whoever may only read is told why; a store that cannot say why is not open yet."""
    return status.state is StoreState.READ_ONLY and status.problem is None


def _level(status: StoreStatus) -> str:
    if is_opening(status):
        return "accent"
    if status.state is StoreState.RECONCILING:
        return "accent"
    if status.state is StoreState.ONLINE:
        return "ok" if status.problem is None else "warning"
    return "warning" if status.state is StoreState.FALLBACK else "error"


def _headline(status: StoreStatus) -> str:
    home = place(status.home or status.location)
    if is_opening(status):
        return f"{BACKENDS[status.backend]} at {home} is being opened"
    if status.state is StoreState.ONLINE:
        return f"{BACKENDS[status.backend]} at {home}"
    if status.state is StoreState.RECONCILING:
        noun = "change is" if status.waiting == 1 else "changes are"
        return f"The database is back; {status.waiting:,} {noun} on the way to it."
    if status.state is StoreState.FALLBACK:
        return f"The database at {home} is away" if status.home else "The records are in JSON files"
    return "The records can be read, not changed"


def what_goes_on(status: StoreStatus) -> str:
    """Say what happens to changes meanwhile; "" where they are simply stored."""
    return _ON_PAPER if status.state is StoreState.FALLBACK else ""
