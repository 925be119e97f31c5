"""A write as a value: who did it, from which revision it started, what it changed. It takes effect once."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    ADD = "add"
    EDIT = "edit"
    REMOVE = "remove"
    RESTORE = "restore"


@dataclass(frozen=True, slots=True)
class Operation:
    """One write. `changes` are stored values (credentials sealed), `base_revision` is 0 for a new record."""

    device: str
    sequence: int
    connection_id: str
    kind: Kind
    base_revision: int = 0
    changes: Mapping[str, Any] = field(default_factory=dict)
    op_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def row(self, applied_at: Any) -> tuple[Any, ...]:
        """Return its row in `applied_operations`."""
        return (self.op_id, self.device, self.sequence, self.connection_id, self.kind.value, applied_at)
