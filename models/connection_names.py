"""Names that are free: for copies, and for two records that arrive with one name."""

from collections.abc import Collection

from models.connection_rules import NAME_LENGTH


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
