"""A write as a value: who did it, from which revision it started, what it changed. It takes effect once."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from models.connection import Connection
from models.connection_rules import is_connection_id
from models.problem import Problem, StoreError


def new_op_id() -> str:
    """Return a random UUID (version 4), as str(uuid.uuid4()) does in a fifth of the time: an import makes 10,000."""
    text = os.urandom(16).hex()
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


def new_op_ids(count: int) -> list[str]:
    """Return ids that follow each other, from a random first one: many, which a database files side by side.

    With one draw for all they cost a tenth; 70 random bits tell one lot from every other.
    """
    text, first = new_op_id()[:24], int.from_bytes(os.urandom(5), "big")
    return [f"{text}{number:012x}" for number in range(first, first + count)]


class Kind(StrEnum):
    ADD = "add"
    EDIT = "edit"
    REMOVE = "remove"
    RESTORE = "restore"


@dataclass(frozen=True, slots=True)
class Operation:
    """One write. `changes` are stored values (credentials sealed), `base_revision` is 0 for a new record.

    `base` are the values of the same units before it, for the three-way merge; of a REMOVE all that was seen, so that
    an edit of somebody else is noticed. `made_at` is for display only.
    """

    device: str
    sequence: int
    connection_id: str
    kind: Kind
    base_revision: int = 0
    changes: Mapping[str, Any] = field(default_factory=dict)
    op_id: str = field(default_factory=new_op_id)
    base: Mapping[str, Any] = field(default_factory=dict)
    made_at: str = ""

    def row(self, applied_at: Any) -> tuple[Any, ...]:
        """Return its row in `applied_operations`."""
        return (self.op_id, self.device, self.sequence, self.connection_id, self.kind.value, applied_at)

    def to_json(self) -> dict[str, Any]:
        """Return it as the files keep it while it waits."""
        return {
            "op_id": self.op_id,
            "device": self.device,
            "sequence": self.sequence,
            "connection_id": self.connection_id,
            "kind": self.kind.value,
            "made_at": self.made_at,
            "base_revision": self.base_revision,
            "base": dict(self.base),
            "changes": dict(self.changes),
        }

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Return the operation in a JSON value. Raises ValueError for anything that `to_json` does not make."""
        if not isinstance(value, dict) or value.keys() != _KINDS.keys():
            raise ValueError("is not an operation")
        for name, kind in _KINDS.items():
            if type(value[name]) is not kind:
                raise ValueError(f"{name} is not as it is written")
        if not is_connection_id(value["op_id"]):
            raise ValueError("op_id is not as it is written")
        if value["sequence"] < 0 or value["base_revision"] < 0:
            raise ValueError("a count is below 0")
        return cls(**{**value, "kind": Kind(value["kind"])})


class NotAppliedError(StoreError):
    """A write did not get through, or nobody knows (`unknown`): its operations can be kept and applied later.

    `seen` are the records that they change, as they were read before.
    """

    def __init__(
        self, problem: Problem, operations: Sequence[Operation], *, unknown: bool, seen: Iterable[Connection] = ()
    ) -> None:
        super().__init__(problem)
        self.operations = tuple(operations)
        self.unknown = unknown
        self.seen = seen


_KINDS: dict[str, type] = {
    "op_id": str,
    "device": str,
    "sequence": int,
    "connection_id": str,
    "kind": str,
    "made_at": str,
    "base_revision": int,
    "base": dict,
    "changes": dict,
}
