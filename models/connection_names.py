"""Names that are free: for copies, and for two records that arrive with one name."""

import re
from collections.abc import Collection
from typing import Final

from models.connection_rules import NAME_LENGTH

_NUMBERED: Final = re.compile(r"(.+?)\s*\(\d{1,9}\)", re.DOTALL)


def without_number(name: str) -> str:
    """Return the name that `free_name` was asked for, where it gave a number; else the name itself."""
    found = _NUMBERED.fullmatch(name)
    return found[1] if found else name


def with_ending(name: str, ending: str) -> str:
    """Return the name with an ending, cut so that it is not longer than a name may be."""
    return name[: NAME_LENGTH - len(ending)].rstrip() + ending


def free_name(wanted: str, taken: Collection[str], ending: str = " ({})") -> str:
    """Return `wanted`, or with the first number from 2 on that makes it free."""
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = with_ending(wanted, ending.format(number))
    return name
