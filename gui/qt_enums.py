"""Qt's enumerations, made at once: there are 3,000 names in 190 of them before the first row is painted.

PySide makes every enumeration of a class when that is first asked for, and `enum` allows for whatever a programmer may
write into one: 25 us a name, a fifth of the start. PySide asks for the same each time: names and whole numbers. So what
comes out is the same as well; a test makes each of them both ways.
"""

import enum
import sys
from collections.abc import Sequence
from typing import Any

_KINDS = (enum.Enum, enum.IntEnum, enum.Flag, enum.IntFlag)
# A member of such a name would hide something that is there: `enum` knows what to do then.
_TAKEN = frozenset(name for kind in _KINDS for name in dir(kind)) | {"mro", "name", "value", ""}
_AS_PYSIDE = {"module": None, "qualname": None, "type": None, "start": 1}
_OWN_OF_EACH = ("_member_names_", "_unhashable_values_"), ("_member_map_", "_value2member_map_")

_type: Any = enum.EnumType
_general = _type._create_
_patterns: dict[Any, dict[str, Any]] = {}


def _create(cls: Any, name: str, names: Any, *, boundary: Any = None, **others: Any) -> Any:
    """What EnumType._create_ does. Only PySide asks like this: for pairs in a list, whatever bits a value has."""
    if boundary is not enum.KEEP or cls not in _KINDS or others != _AS_PYSIDE or not _are_plain(names):
        if others["module"] is None:
            # It would look for the module of whoever calls the one that calls it.
            others["module"] = sys._getframe(2).f_globals.get("__name__")
        return _general(cls, name, names, boundary=boundary, **others)
    made = _without_members(cls, name)
    _add_members(made, names)
    if issubclass(made, enum.Flag):
        _add_masks(made)
    return made


def _are_plain(names: Any) -> bool:
    return isinstance(names, list) and all(
        type(name) is str and type(value) is int and name not in _TAKEN and name[0] != "_" for name, value in names
    )


def _without_members(cls: Any, name: str) -> Any:
    """Return an enumeration of no names, as the general way made the first of its kind."""
    pattern = _patterns.get(cls)
    if pattern is None:
        first = vars(_general(cls, "Pattern", [], module="", boundary=enum.KEEP))
        pattern = _patterns[cls] = {
            key: value for key, value in first.items() if key not in {"__dict__", "__weakref__"}
        }
    lists, maps = _OWN_OF_EACH
    return type.__new__(_type, name, (cls,), pattern | {key: [] for key in lists} | {key: {} for key in maps})


def _add_members(made: Any, names: Sequence[tuple[str, int]]) -> None:
    by_name, by_value, order = made._member_map_, made._value2member_map_, made._member_names_
    new, takes_value, is_flag = made._new_member_, made._use_args_, issubclass(made, enum.Flag)
    for name, value in names:
        member = by_value.get(value)
        if member is None:
            member = by_value[value] = new(made, value) if takes_value else new(made)
            member._value_, member._name_, member.__objclass__, member._sort_order_ = value, name, made, len(order)
            # Of flags only single bits are counted as members; others are names for several.
            if not is_flag or (value > 0 and not value & (value - 1)):
                order.append(name)
        type.__setattr__(made, name, member)
        by_name[name] = member


def _add_masks(made: Any) -> None:
    for value in made._value2member_map_:
        made._flag_mask_ |= value
    made._all_bits_ = 2 ** made._flag_mask_.bit_length() - 1
    singles = [member._value_ for member in map(made._member_map_.__getitem__, made._member_names_)]
    made._singles_mask_ = sum(singles)
    if singles != sorted(singles):
        made._iter_member_ = made._iter_member_by_def_


# What is inside of an enumeration is Python's own affair, and another in each version.
if sys.version_info[:2] == (3, 11):
    _type._create_ = _create
