"""Which store is asked for: by the environment, else by the settings. What cannot be understood is said, and then the
JSON data is used: never silently another database."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from models.problem import Category, CtsError, Problem
from models.status import Backend

if TYPE_CHECKING:
    from models.database_form import DatabaseForm
    from storage.postgresql.address import Address

DATABASE_URL = "DATABASE_URL"
USE_FILE_STORAGE = "USE_FILE_STORAGE"
SETTINGS = "settings"

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"", "0", "false", "no", "off"}
_ON_JSON = "The JSON files in the data folder are used instead."


class Configuration(NamedTuple):
    """`wanted` is the store that is asked for, `source` by whom; `location` says where, its password masked.

    `address` has its password only if DATABASE_URL gave one. `problem`: what was asked for cannot be understood.
    """

    wanted: Backend
    source: str = ""
    location: str = ""
    address: "Address | None" = None
    problem: Problem | None = None
    hidden: bool = False
    """The settings name a database too, and the environment wins over them."""

    @property
    def valid(self) -> bool:
        return self.problem is None

    @property
    def sentence(self) -> str:
        if self.problem is not None:
            return self.problem.text
        if self.source == USE_FILE_STORAGE:
            return "USE_FILE_STORAGE is set: the JSON files in the data folder are used."
        if self.source == DATABASE_URL:
            over = " It wins over the database in the settings." if self.hidden else ""
            return f"DATABASE_URL asks for {self.location}.{over}"
        if self.source == SETTINGS:
            return f"The settings ask for {self.location}."
        return "No other is asked for: the database in the data folder is used."


def read_configuration(environment: Mapping[str, str], saved: Any = None) -> Configuration:
    """Return what the environment asks for, else `saved`, the `database` of the settings. Never raises."""
    word = environment.get(USE_FILE_STORAGE, "").strip().lower()
    if word in _TRUE:
        return Configuration(Backend.JSON, USE_FILE_STORAGE, hidden=bool(saved))
    if word not in _FALSE:
        text = f"USE_FILE_STORAGE is neither true nor false. {_ON_JSON}"
        problem = Problem(Category.CONFIG, text, "Set it to true, or remove it, and start again.")
        return Configuration(Backend.JSON, USE_FILE_STORAGE, problem=problem)
    url = environment.get(DATABASE_URL, "").strip()
    if url:
        return _by_url(url)._replace(hidden=bool(saved))
    return _by_settings(saved) if saved else Configuration(Backend.SQLITE)


def _by_url(url: str) -> Configuration:
    from storage.postgresql.address import parse_address

    try:
        address = parse_address(url)
    except CtsError as error:
        problem = error.problem._replace(text=f"{error.problem.text} {_ON_JSON}")
        return Configuration(Backend.POSTGRESQL, DATABASE_URL, problem=problem)
    return Configuration(Backend.POSTGRESQL, DATABASE_URL, address.masked(), address)


def _by_settings(saved: Any) -> Configuration:
    try:
        address = address_of(form_of(saved))
    except CtsError as error:
        text = f"The database in settings.json cannot be used: {_lowered(error.problem.text)} {_ON_JSON}"
        problem = Problem(
            Category.CONFIG,
            text,
            "Fill it in again in Settings, Database.",
            by_command="Give it again with `database set`.",
        )
        return Configuration(Backend.POSTGRESQL, SETTINGS, problem=problem)
    return Configuration(Backend.POSTGRESQL, SETTINGS, address.masked(), address)


def form_of(saved: Any) -> "DatabaseForm":
    """Return the form that settings.json holds, without its password; raises InputError."""
    from models.database_form import DatabaseForm
    from models.problem import InputError

    known = [name for name in DatabaseForm._fields if name != "password"]
    if not isinstance(saved, Mapping):
        raise InputError("It is not an object with host, port, database and user.", "Fill it in again.")
    return DatabaseForm(**{name: saved[name] for name in known if name in saved}).checked()


def address_of(form: "DatabaseForm") -> "Address":
    """Return the address that a checked form names, without a password unless the form has a new one."""
    from storage.postgresql.address import BY_SETTINGS, Address

    options = {"sslmode": form.tls}
    if form.root_certificate:
        options["sslrootcert"] = form.root_certificate
    hosts = tuple((host.strip(), form.port) for host in form.host.split(",") if host.strip())
    return Address(hosts, form.database, form.user, form.password, tuple(sorted(options.items())), BY_SETTINGS)


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]
