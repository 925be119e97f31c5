"""Which store is asked for: what the environment and the settings say, once understood."""

from typing import TYPE_CHECKING, NamedTuple

from models.problem import Problem
from models.status import Backend

if TYPE_CHECKING:
    from storage.postgresql.address import Address


class Target(NamedTuple):
    """The store to use. `address` is where PostgreSQL is, its password included.

    `problem`: what was asked for cannot be tried (it is malformed, or its password cannot be opened); the JSON data is
    used, and this says why.
    """

    backend: Backend = Backend.SQLITE
    address: "Address | None" = None
    problem: Problem | None = None
