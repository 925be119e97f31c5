"""What the environment asks for: which store. Parsed here by hand, because drivers print the URL with its password."""

from collections.abc import Mapping
from typing import NamedTuple

from models.problem import Category, Problem

_SCHEMES = ("postgresql", "postgres")
_HIGHEST_PORT = 65535
_FORM = (
    "Write it as postgresql://user:password@host:port/database, or remove it to use the database in the data folder."
)


class Configuration(NamedTuple):
    """`wanted` is the store that is asked for; `location` says where, its password masked; `problem` what is wrong."""

    wanted: str
    location: str
    problem: Problem | None
    valid: bool = True

    @property
    def sentence(self) -> str:
        if self.wanted == "sqlite":
            return "No DATABASE_URL is set: the database in the data folder is used."
        return self.problem.text if self.problem else f"{self.wanted} at {self.location}"


def read_configuration(environment: Mapping[str, str]) -> Configuration:
    """Return what `DATABASE_URL` and `USE_FILE_STORAGE` ask for. Never raises."""
    if environment.get("USE_FILE_STORAGE", "").strip().lower() in {"1", "true", "yes", "on"}:
        return Configuration("json", "connections/", _not_yet("USE_FILE_STORAGE asks for the JSON store", "JSON store"))
    url = environment.get("DATABASE_URL", "").strip()
    if not url:
        return Configuration("sqlite", "", None)
    try:
        location = masked(url)
    except ValueError as error:
        return Configuration(
            "postgresql",
            "",
            Problem(
                Category.CONFIG, f"DATABASE_URL is malformed: {error}. The database in the data folder is used.", _FORM
            ),
            valid=False,
        )
    return Configuration(
        "postgresql", location, _not_yet(f"DATABASE_URL asks for PostgreSQL at {location}", "PostgreSQL")
    )


def masked(url: str) -> str:
    """Return a PostgreSQL URL without its password and options; raise ValueError saying which part is wrong."""
    from urllib.parse import unquote, urlsplit

    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError("its host cannot be read") from None
    if parts.scheme not in _SCHEMES:
        raise ValueError("it does not begin with postgresql://")
    try:
        port = parts.port
    except ValueError:
        raise ValueError(f"its port is not a number from 1 to {_HIGHEST_PORT}") from None
    if not parts.hostname and "host=" not in parts.query:
        raise ValueError("it names no host")
    name = unquote(parts.path.lstrip("/"))
    if not name or "/" in name:
        raise ValueError("it names no database" if not name else "the database's name holds a slash")
    user = f"{unquote(parts.username)}:***@" if parts.username and parts.password else ""
    user = user or (f"{unquote(parts.username)}@" if parts.username else "")
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return f"postgresql://{user}{host}{f':{port}' if port else ''}/{name}"


def _not_yet(what: str, store: str) -> Problem:
    return Problem(
        Category.CONFIG,
        f"{what}, but this version does not open the {store} yet; the database in the data folder is used instead.",
        "Remove the variable to use the database in the data folder, or wait for the next version.",
    )
