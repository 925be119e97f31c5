"""Three-way merge of one record, by units. Pure: values in, values out.

A unit is what only makes sense together: an API key with its secret and passphrase, an exchange with its environment.
Units are never mixed from two versions.
"""

from collections.abc import Mapping
from operator import itemgetter
from typing import Any, NamedTuple

from models.connection import CREDENTIALS, EDITABLE

Values = Mapping[str, Any]

_TOGETHER: tuple[tuple[str, ...], ...] = (CREDENTIALS, ("exchange", "environment"))

UNITS: tuple[tuple[str, ...], ...] = (
    *_TOGETHER,
    *((name,) for name in EDITABLE if not any(name in unit for unit in _TOGETHER)),
)
"""Every editable field, once, with the fields that it belongs to."""

_TAKEN = tuple((unit, itemgetter(*unit)) for unit in UNITS)


class Merged(NamedTuple):
    """`values` has every editable field. `conflicts` names the units that both sides changed differently."""

    values: dict[str, Any]
    conflicts: tuple[tuple[str, ...], ...]


def merge(base: Values, mine: Values, theirs: Values) -> Merged:
    """Merge two changes of `base`. In a conflict `values` keep theirs, so that nothing of the database is lost."""
    values: dict[str, Any] = {}
    conflicts = []
    for unit, take in _TAKEN:
        old, my, their = take(base), take(mine), take(theirs)
        if my != old and their not in (old, my):
            conflicts.append(unit)
        chosen = mine if their == old else theirs
        for name in unit:
            values[name] = chosen[name]
    return Merged(values, tuple(conflicts))


def changes(base: Values, mine: Values) -> dict[str, Any]:
    """Return the editable fields of `mine` that differ from `base`."""
    return {name: mine[name] for name in EDITABLE if mine[name] != base[name]}
