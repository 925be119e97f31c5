"""What a PostgreSQL failure means: the driver's error, the session's state and a probe become one Problem.

The order of the tests matters: a SQLSTATE is certain, a closed session is nearly so, texts are localised and come last.
"""

from collections.abc import Callable
from typing import NamedTuple

import psycopg2

from models.problem import Category, Problem
from storage.postgresql.address import BY_SETTINGS, DEFAULT_PORT, Address
from storage.postgresql.deadline import DeadlineError, StoppedError
from storage.postgresql.probe import probe_sqlstate


class Words(NamedTuple):
    """The two sentences of a category. They may hold {place}, {host}, {user} and {database}."""

    text: str
    solution: str


WORDS: dict[Category, Words] = {
    Category.LOST: Words(
        "The connection to PostgreSQL at {place} broke.",
        "Keep working: changes are kept here and sent when it is back.",
    ),
    Category.UNREACHABLE: Words(
        "{place} does not answer.", "Check the network, the VPN and the firewall between here and it."
    ),
    Category.SERVER_DOWN: Words(
        "No PostgreSQL runs at {place}.", "Start the server there, or check the port in {source}."
    ),
    Category.DNS: Words(
        "The host {host} is unknown.", "Check its name in {source}, and that this computer's DNS works."
    ),
    Category.STARTING: Words(
        "PostgreSQL at {place} is starting or stopping.", "Wait: the program tries again by itself."
    ),
    Category.AUTH: Words(
        "PostgreSQL refused the name or the password of {user}, or the password has expired.",
        "Correct them in {source}; the program does not try again by itself.",
    ),
    Category.AUTH_POLICY: Words(
        "PostgreSQL does not allow {user} to connect to {database} from this computer.",
        "Ask its administrator for an entry in pg_hba.conf and for the LOGIN right.",
    ),
    Category.MISSING_DB: Words(
        "The database {database} does not exist at {place}.", "Create it, or correct the name in {source}."
    ),
    Category.NO_PRIVILEGE: Words(
        "{user} lacks a right in the database {database}.",
        "Ask its administrator for: GRANT CONNECT ON DATABASE {database} TO {user}.",
    ),
    Category.TOO_MANY: Words(
        "PostgreSQL at {place} has no free connection.", "Close desktops that are not used, or raise max_connections."
    ),
    Category.TLS: Words(
        "No safe connection to {place} could be made.",
        "Mend the certificate, or the TLS mode in {source}; the program never goes on with less than was asked for.",
    ),
    Category.CONFIG: Words("DATABASE_URL is malformed.", "Write it as postgresql://user:password@host:port/database."),
    Category.SLOW: Words(
        "The database took too long and stopped the call.", "Try again; if it stays, ask its administrator."
    ),
    Category.BUSY: Words("Another desktop is changing this.", "Try again in a moment."),
    Category.CONTENTION: Words("Another desktop changed this at the same moment.", "Try again."),
    Category.READ_ONLY: Words(
        "The database at {place} is read-only (a standby, or set so).",
        "Changes are kept here until it takes them again.",
    ),
    Category.SERVER_DISK: Words(
        "The database server's disk is full.", "Call its administrator; changes are kept here."
    ),
    Category.CORRUPT: Words(
        "The database server reports damaged data.", "Call its administrator; changes are kept here."
    ),
    Category.SERVER_IO: Words("The database server cannot read or write its disk.", "Call its administrator."),
    Category.SCHEMA: Words(
        "The tables of the database are not those that this version of the program knows.",
        "The program looks again by itself; if it stays, update it on this computer.",
    ),
    Category.CONSTRAINT: Words("The database refused a value{field}.", "Correct the value and save again."),
    Category.DATA: Words("The database cannot hold a value{field}.", "Correct the value and save again."),
    Category.UNKNOWN: Words("PostgreSQL at {place} gave an error that is not known.", "Look at the log for its code."),
}

_TABLE_RIGHTS = (
    "Ask its administrator for: GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {user}, and for "
    "migrations GRANT USAGE, CREATE ON SCHEMA public TO {user}."
)
_CODES: dict[str, Category] = {
    "57P03": Category.STARTING,
    "57P01": Category.LOST,
    "57P02": Category.LOST,
    "57P05": Category.LOST,
    "25P03": Category.LOST,
    "28P01": Category.AUTH,
    "28000": Category.AUTH_POLICY,
    "3D000": Category.MISSING_DB,
    "42501": Category.NO_PRIVILEGE,
    "53300": Category.TOO_MANY,
    "57014": Category.SLOW,
    "55P03": Category.BUSY,
    "40P01": Category.CONTENTION,
    "40001": Category.CONTENTION,
    "25006": Category.READ_ONLY,
    "53100": Category.SERVER_DISK,
    "XX001": Category.CORRUPT,
    "XX002": Category.CORRUPT,
    "58030": Category.SERVER_IO,
    "42P01": Category.SCHEMA,
    "42703": Category.SCHEMA,
    "3F000": Category.SCHEMA,
}
_CLASSES = {
    "08": Category.LOST,
    "23": Category.CONSTRAINT,
    "22": Category.DATA,
    "28": Category.AUTH_POLICY,
    "53": Category.TOO_MANY,
    "58": Category.SERVER_IO,
}
# libpq's own texts, in the only language that its bundled build speaks.
_TEXTS: tuple[tuple[str, Category], ...] = (
    # The server's words, where it speaks English: the probe would be a second wrong attempt, and accounts get locked.
    ("password authentication failed", Category.AUTH),
    ("no password supplied", Category.AUTH),
    ("could not translate host name", Category.DNS),
    ("timeout expired", Category.UNREACHABLE),
    ("Connection refused", Category.SERVER_DOWN),
    ("No such file or directory", Category.SERVER_DOWN),
    ("No route to host", Category.UNREACHABLE),
    ("Network is unreachable", Category.UNREACHABLE),
    ("SSL", Category.TLS),
    ("certificate", Category.TLS),
    ("root.crt", Category.TLS),
    ("sslrootcert", Category.TLS),
    ("private key", Category.TLS),
    ("channel binding", Category.TLS),
    ("GSSAPI", Category.TLS),
    ("invalid dsn", Category.CONFIG),
    ("invalid connection option", Category.CONFIG),
    ("session is read-only", Category.READ_ONLY),
    ("server is in hot standby", Category.READ_ONLY),
    ("not in hot standby mode", Category.SERVER_DOWN),
    ("session is not read-only", Category.SERVER_DOWN),
    ("server closed the connection", Category.LOST),
    ("could not receive data", Category.LOST),
    ("connection already closed", Category.LOST),
)
_TLS_CASES: tuple[tuple[str, str], ...] = (
    ("does not support SSL", "the server offers no TLS"),
    ("does not match host name", "the certificate is for another host"),
    ("could not read root certificate file", "the file with the root certificate holds none that can be read"),
    ("root certificate file", "the file with the root certificate is missing"),
    ("weak sslmode", "with sslrootcert=system the TLS mode has to be verify-full"),
    ("private key", "the private key of this computer is missing, or its file is open to others (chmod 0600)"),
    ("could not read certificate file", "the file with this computer's own certificate holds none that can be read"),
    ("channel binding", "the server offers no channel binding"),
    ("GSSAPI", "the server offers no GSSAPI encryption"),
    # libpq does not tell these two apart.
    ("certificate verify failed", "the certificate has expired, or the authority trusted here has not signed it"),
    ("certificate", "the certificate was not accepted"),
)
MENDED_BY_A_PERSON = frozenset(
    {Category.AUTH, Category.AUTH_POLICY, Category.MISSING_DB, Category.TLS, Category.CONFIG}
)
"""No automatic retry with these: nothing changes until somebody changes the settings."""

Probe = Callable[[Address], str]


def problem_of(
    error: BaseException, address: Address, *, closed: bool, probe: Probe | None = probe_sqlstate
) -> Problem:
    """Return the Problem of a driver's error. `closed`: the session is gone, or never was.

    The driver's text is never shown: it may hold pieces of the password, or (a constraint's detail) the whole row.
    """
    code = str(getattr(error, "pgcode", None) or "")
    category = _by_type(error) or _by_code(code)
    if category is None and closed:
        category = _by_text(str(error)) or _by_code(code := _asked(probe, address, error))
    category = category or _by_text(str(error)) or (Category.LOST if closed else Category.UNKNOWN)
    return _worded(category, error, address, code)


def read_only_problem(address: Address) -> Problem:
    """Return what is told of a server that takes no changes before anybody has tried one."""
    return _worded(Category.READ_ONLY, psycopg2.OperationalError(), address, "25006")


def address_of(error: BaseException) -> Address:
    """Return the address of the session that an error came from; a nameless one where the error does not know."""
    session = getattr(getattr(error, "cursor", None), "connection", None)
    try:
        info = session.info  # type: ignore[union-attr]
        return Address(((info.host or "the server", info.port or DEFAULT_PORT),), info.dbname or "", info.user or "")
    except (AttributeError, psycopg2.Error):
        return Address((("the server", DEFAULT_PORT),), "", "")


def is_closed(error: BaseException) -> bool:
    """Tell whether an error's session is gone, as far as the error knows."""
    if isinstance(error, psycopg2.InterfaceError):
        return True
    session = getattr(getattr(error, "cursor", None), "connection", None)
    return isinstance(error, psycopg2.OperationalError) if session is None else session.closed != 0


def _by_type(error: BaseException) -> Category | None:
    python_says = error.__cause__ if isinstance(error, psycopg2.DataError) else error
    if isinstance(python_says, OverflowError | ValueError) and not isinstance(python_says, psycopg2.Error):
        return Category.DATA
    if isinstance(error, DeadlineError):
        return Category.UNREACHABLE
    return Category.LOST if isinstance(error, StoppedError) else None


def _by_code(code: str) -> Category | None:
    return _CODES.get(code) or _CLASSES.get(code[:2])


def _by_text(text: str) -> Category | None:
    return next((category for part, category in _TEXTS if part in text), None)


def _asked(probe: Probe | None, address: Address, error: BaseException) -> str:
    # Only a refusal during connect has something to ask about; a session that broke is simply lost.
    return probe(address) if probe is not None and "FATAL" in str(error) else ""


def _worded(category: Category, error: BaseException, address: Address, code: str) -> Problem:
    words = WORDS[category]
    host, port = address.hosts[0]
    diagnosed = getattr(error, "diag", None)
    column = getattr(diagnosed, "column_name", None) or getattr(diagnosed, "constraint_name", None)
    values = {
        "place": ", ".join(f"{name}:{number}" for name, number in address.hosts),
        "host": host,
        "port": port,
        "user": address.user,
        "database": address.database,
        "source": address.source,
        "field": f" ({column})" if column else "",
    }
    text = words.text.format(**values)
    if "no password supplied" in str(error):
        text = "PostgreSQL asks for the password of {user}, and none is given.".format(**values)
    if category is Category.NO_PRIVILEGE and getattr(error, "cursor", None) is not None:
        words = words._replace(solution=_TABLE_RIGHTS)
    if category is Category.TLS:
        case = next((said for part, said in _TLS_CASES if part in str(error)), "")
        text = f"{text[:-1]}: {case}." if case else text
    detail = f"SQLSTATE {code}" if code else type(error).__name__
    solution = words.solution.format(**values)
    by_command = solution.replace(BY_SETTINGS, "the settings (`database set`)")
    return Problem(category, text, solution, detail, by_command if by_command != solution else "")
