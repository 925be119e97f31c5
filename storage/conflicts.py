"""Conflicts as the database keeps them, as a person sees them, and how they are settled.

What is kept are stored values, credentials sealed; what is shown says of credentials only whether they are set.
"""

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from models.change import Conflict
from models.connection import CREDENTIALS

SET, NOT_SET, ANOTHER = "set", "not set", "another value"


class KeptConflict(NamedTuple):
    """One row of `conflicts`, its values as they are stored."""

    id: str
    connection_id: str
    name: str
    fields: tuple[str, ...]
    base: dict[str, Any]
    mine: dict[str, Any]
    theirs: dict[str, Any]
    device: str
    op_id: str
    made_at: str

    def row(self, noted_at: Any) -> tuple[Any, ...]:
        return (
            self.id,
            self.connection_id,
            self.name,
            fields_text(self.fields),
            json.dumps(self.base, ensure_ascii=False),
            json.dumps(self.mine, ensure_ascii=False),
            json.dumps(self.theirs, ensure_ascii=False),
            self.device,
            self.op_id,
            self.made_at,
            noted_at,
        )

    def shown(self, current: Mapping[str, Any] | None = None) -> Conflict:
        """Return it for people; `current` are the record's values now, where it is still there."""
        seen = seen_mark(current, self.fields)
        theirs = self.theirs if current is None else {name: current[name] for name in self.fields}
        base, mine, theirs = (dict(side) for side in (self.base, self.mine, theirs))
        for name in self.fields:
            if name in CREDENTIALS:
                base[name], mine[name], theirs[name] = _words(base[name], mine[name], theirs[name])
        return Conflict(
            self.id, self.connection_id, self.name, self.fields, base, mine, theirs, self.device, self.made_at, seen
        )


def seen_mark(current: Mapping[str, Any] | None, fields: Sequence[str]) -> str:
    """Return what stands for a unit's stored values, credentials too, and tells nothing of them."""
    values = None if current is None else [current[name] for name in fields]
    return hashlib.sha256(json.dumps(values, default=str).encode()).hexdigest()[:16]


def fields_text(fields: Sequence[str]) -> str:
    return json.dumps(list(fields))


def read_conflict(row: Sequence[Any]) -> KeptConflict:
    """Return the conflict of a row; raises ValueError, TypeError or KeyError for what we did not write."""
    each, connection_id, name, fields, base, mine, theirs, device, op_id, made_at = row[:10]
    names = tuple(json.loads(fields))
    old, my, their = ({key: json.loads(side)[key] for key in names} for side in (base, mine, theirs))
    return KeptConflict(each, connection_id, name, names, old, my, their, device, op_id, made_at)


def make_conflicts(
    connection_id: str,
    units: Sequence[tuple[str, ...]],
    values: tuple[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]],
    origin: tuple[str, str, str],
) -> tuple[KeptConflict, ...]:
    """Return one conflict for each unit. `values` are base, mine and theirs; `origin` is device, op_id and made_at."""
    name = values[2]["name"]
    found = []
    for unit in units:
        base, mine, theirs = ({key: side[key] for key in unit} for side in values)
        found.append(KeptConflict(str(uuid.uuid4()), connection_id, name, unit, base, mine, theirs, *origin))
    return tuple(found)


def _words(base: Any, mine: Any, theirs: Any) -> tuple[str, str, str]:
    """Say which sides have a credential, and which have another one than the base."""
    said = [NOT_SET if value in (None, "") else SET for value in (base, mine, theirs)]
    for index, value in enumerate((base, mine, theirs)):
        if index and said[index] == SET and base not in (None, "") and value != base:
            said[index] = ANOTHER
    if said[0] == NOT_SET and said[1] == said[2] == SET and mine != theirs:
        said[1] = ANOTHER
    return said[0], said[1], said[2]
