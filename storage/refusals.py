"""Why a write was refused, in the words of a person: the same for every backend."""

from collections.abc import Sequence

from models.connection import CREDENTIALS
from models.problem import Category, Problem


def name_taken(name: str) -> Problem:
    return Problem(
        Category.CONSTRAINT,
        f"Another connection is already named “{name}”.",
        "Choose another name; nothing was changed.",
        "name",
    )


def id_taken(connection_id: str) -> Problem:
    return Problem(
        Category.CONSTRAINT,
        f"A connection with the id {connection_id} is already there.",
        "Edit that one, or leave the id out to add a new one.",
        "id",
    )


def gone_meanwhile(name: str) -> Problem:
    return Problem(
        Category.NOT_FOUND,
        f"The connection “{name}” is no longer in the database.",
        "Read the list again; add it anew if it is still wanted.",
    )


def settled_meanwhile() -> Problem:
    return Problem(
        Category.NOT_FOUND,
        "That conflict is settled already, here or on another desktop.",
        "Look at the list again.",
    )


def changed_since_seen(units: Sequence[tuple[str, ...]]) -> Problem:
    """Return why a choice does not hold: what it was made of is no longer what is stored."""
    return Problem(
        Category.CONFLICT,
        f"What is stored was changed again while you chose: {_listed(units)}.",
        "Look at the values that are stored now and choose once more; nothing of yours was stored.",
        ", ".join(field for unit in units for field in unit),
    )


def conflict(name: str, units: Sequence[tuple[str, ...]]) -> Problem:
    listed = _listed(units)
    return Problem(
        Category.CONFLICT,
        f"Someone else changed “{name}” meanwhile, in the same place as you: {listed}.",
        "Look at the values that are stored now, then make your change again; nothing of yours was stored.",
        ", ".join(field for unit in units for field in unit),
    )


def _listed(units: Sequence[tuple[str, ...]]) -> str:
    words = ["credentials" if unit == CREDENTIALS else " and ".join(unit).replace("_", " ") for unit in units]
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]
