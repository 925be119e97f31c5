"""What the environment asks for: which store. A request that cannot be met yet is said aloud, never ignored."""

from collections.abc import Mapping
from typing import NamedTuple

from models.problem import Category, Problem, StoreError

_TRUE = {"1", "true", "yes", "on"}


class Configuration(NamedTuple):
    """`wanted` is the store that is asked for; `location` says where, its password masked.

    `problem` says why another store is in use; `valid` is False where what was asked for cannot be understood.
    """

    wanted: str
    location: str = ""
    problem: Problem | None = None
    valid: bool = True

    @property
    def sentence(self) -> str:
        if self.problem is None:
            return "No DATABASE_URL is set: the database in the data folder is used."
        return self.problem.text


def read_configuration(environment: Mapping[str, str]) -> Configuration:
    """Return what `DATABASE_URL` and `USE_FILE_STORAGE` ask for. Never raises."""
    if environment.get("USE_FILE_STORAGE", "").strip().lower() in _TRUE:
        return Configuration("json", problem=_not_yet("USE_FILE_STORAGE asks for the JSON store", "the JSON store"))
    url = environment.get("DATABASE_URL", "").strip()
    if not url:
        return Configuration("sqlite")
    from storage.postgresql.address import parse_address

    try:
        location = parse_address(url).masked()
    except StoreError as error:
        text = f"{error.problem.text} The database in the data folder is used instead."
        return Configuration("postgresql", problem=error.problem._replace(text=text), valid=False)
    return Configuration(
        "postgresql", location, _not_yet(f"DATABASE_URL asks for PostgreSQL at {location}", "PostgreSQL")
    )


def _not_yet(what: str, store: str) -> Problem:
    return Problem(
        Category.CONFIG,
        f"{what}. This version does not open {store} yet; the database in the data folder is used instead.",
        "Remove the variable to keep to the data folder, or wait for the next version.",
    )
