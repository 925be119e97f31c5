"""Changes on their way to the database: what waits, what it refused, and where two desktops changed the same.

Values for the window and the commands. Credentials are in them as words only: "set", "not set", or "another value"
where both sides have one and they differ.
"""

from enum import StrEnum
from typing import Any, NamedTuple

from models.problem import Problem


class WaitingChange(NamedTuple):
    """A change that is kept in the data folder until the database has it. `kind` is add, edit, remove or restore.

    `problem` is what it waits for where the database itself is there: its credentials need the vault.
    """

    op_id: str
    connection_id: str
    name: str
    kind: str
    fields: tuple[str, ...]
    made_at: str
    device: str
    sequence: int
    problem: Problem | None = None


class RejectedChange(NamedTuple):
    """A change that the database refused, and why. It stays until a person dismisses it.

    `values` are what it would have stored, field by field; of a credential only whether one was set.
    """

    op_id: str
    connection_id: str
    name: str
    kind: str
    fields: tuple[str, ...]
    made_at: str
    problem: Problem
    values: dict[str, Any] = {}  # noqa: RUF012 - a NamedTuple's default; nobody changes it


class Conflict(NamedTuple):
    """One unit of a record that two desktops changed differently. The database holds `theirs` until a person chooses.

    `fields` are the unit's; each of `base`, `mine` and `theirs` has a value for every one of them. `id` is "" for a
    conflict that was told to whoever saved and is not kept. `seen` stands for the stored values that `theirs` shows:
    a choice that is made of them holds only as long as they are there.
    """

    id: str
    connection_id: str
    name: str
    fields: tuple[str, ...]
    base: dict[str, Any]
    mine: dict[str, Any]
    theirs: dict[str, Any]
    device: str
    made_at: str
    seen: str = ""


class Changes(NamedTuple):
    """Everything that is not simply stored."""

    waiting: tuple[WaitingChange, ...] = ()
    rejected: tuple[RejectedChange, ...] = ()
    conflicts: tuple[Conflict, ...] = ()


class Choice(StrEnum):
    """How a person settles a conflict: `mine` is the change that lost, `theirs` what the database holds."""

    MINE = "mine"
    THEIRS = "theirs"
