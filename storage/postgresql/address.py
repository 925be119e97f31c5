"""Where a PostgreSQL is: DATABASE_URL taken apart, and shown without its password.

The form is libpq's connection URI (PostgreSQL manual, 34.1.1.2), several hosts included. It is parsed here and handed
to the driver as keywords: the driver's own messages about a malformed one hold pieces of the password.
"""

from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from models.problem import Category, Problem, StoreError
from models.secret import Secret

DEFAULT_PORT = 5432
BY_SETTINGS = "Settings, Database"
"""The `source` of an address that a person filled in."""
TLS_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_VALUES = {
    "sslmode": TLS_MODES,
    "target_session_attrs": ("any", "read-write", "read-only", "primary", "standby", "prefer-standby"),
    "channel_binding": ("disable", "prefer", "require"),
    "gssencmode": ("disable", "prefer", "require"),
    "load_balance_hosts": ("disable", "random"),
}
# What libpq may be told by the URL; everything else is refused, so that a slip is not silently without effect.
_OPTIONS = {
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "sslcrl",
    "channel_binding",
    "target_session_attrs",
    "load_balance_hosts",
    "application_name",
    "gssencmode",
    "host",
    "port",
    "user",
    "password",
    "dbname",
}
# What many a hosted database's URL carries: this program sets its own, which are shorter (see session.py).
_OURS = {
    "connect_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
}


@dataclass(frozen=True, slots=True)
class Address:
    """One PostgreSQL database, on one host or on a cluster's. A host that starts with / is a socket folder.

    `source` is where a person corrects it.
    """

    hosts: tuple[tuple[str, int], ...]
    database: str
    user: str
    password: Secret | None = None
    options: tuple[tuple[str, str], ...] = field(default=())
    source: str = field(default="DATABASE_URL", compare=False)

    def masked(self) -> str:
        """Return the URL as it may be shown: the password is `***`, whether there is one or not stays visible."""
        hosts = ",".join(f"{_host_text(host)}:{port}" for host, port in self.hosts)
        secret = ":***" if self.password else ""
        return f"postgresql://{quote(self.user, safe='')}{secret}@{hosts}/{quote(self.database, safe='')}"

    def short(self) -> str:
        """Return `user@host/database`, for a status bar."""
        return f"{self.user}@{self.hosts[0][0]}/{self.database}"

    def keywords(self) -> dict[str, str]:
        """Return libpq's keywords. The password is in clear: hand them to the driver and drop them."""
        words = {
            "host": ",".join(host for host, _ in self.hosts),
            "port": ",".join(str(port) for _, port in self.hosts),
            "dbname": self.database,
            "user": self.user,
            **dict(self.options),
        }
        if self.password:
            words["password"] = self.password.reveal()
        return words

    def with_password(self, password: Secret | None) -> "Address":
        return replace(self, password=password)


def parse_address(url: str) -> Address:
    """Take a `postgresql://user:password@host:port/database?sslmode=...` apart.

    Raises StoreError (CONFIG) that says which part is wrong and never repeats the URL.
    """
    scheme, separator, _ = url.strip().partition("://")
    if not separator or scheme.lower() not in {"postgresql", "postgres"}:
        raise _malformed("it does not start with postgresql://")
    _check_characters(url.strip())
    try:
        parts = urlsplit(url.strip())
        query = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError:
        raise _malformed("its brackets or its options cannot be read") from None
    query = {name: value for name, value in query.items() if name not in _OURS}
    unknown = sorted(set(query) - _OPTIONS)
    if unknown:
        raise _malformed(f"the option {unknown[0][:40]!r} is not one that it may hold")
    login, _, places = parts.netloc.rpartition("@")
    user, has_password, password = login.partition(":")
    address = Address(
        hosts=_hosts(query.pop("host", "") or places, query.pop("port", "")),
        database=query.pop("dbname", "") or unquote(parts.path.removeprefix("/")),
        user=query.pop("user", "") or unquote(user),
        password=_password(query.pop("password", None), unquote(password) if has_password else None),
    )
    _check(address, query)
    return replace(address, options=tuple(sorted(query.items())))


def _check_characters(url: str) -> None:
    """Refuse what would end a password too early, or what no driver takes; a piece of a password is never repeated."""
    if any(ord(character) < 33 or ord(character) == 127 for character in url):
        raise _malformed("it holds a space or a control character; write a space as %20")
    try:
        decoded = unquote(url, errors="strict")
        decoded.encode()
    except UnicodeError:
        raise _malformed("it holds what is not UTF-8") from None
    if any(ord(character) < 32 or ord(character) == 127 for character in decoded):
        raise _malformed("it holds a control character, written with %")
    places = url.partition("://")[2]
    for mark in "#?/":
        before, found, after = places.partition(mark)
        if found and (mark == "#" or ("@" not in before and "@" in after)):
            raise _malformed(f"a {mark} in a user, a password or a name is written as %{ord(mark):02X}")


def _password(option: str | None, login: str | None) -> Secret | None:
    value = option if option is not None else login
    return Secret(value) if value else None


def _check(address: Address, query: dict[str, str]) -> None:
    if not address.user:
        raise _malformed("it names no user")
    if not address.database or "/" in address.database:
        raise _malformed("it names no database after the host" if not address.database else "its path has two parts")
    for name, values in _VALUES.items():
        if query.get(name, values[0]) not in values:
            raise _malformed(f"{name} is not one of {', '.join(values)}")


def _hosts(places: str, ports: str) -> tuple[tuple[str, int], ...]:
    pairs = [_host_and_port(place) for place in places.split(",")] if places else [("localhost", "")]
    given = ports.split(",") if ports else []
    if len(given) == 1:
        given *= len(pairs)
    if given and len(given) != len(pairs):
        raise _malformed("it has another number of ports than of hosts")
    numbers = given or [port for _, port in pairs]
    return tuple(
        (unquote(host) or "localhost", _port(number)) for (host, _), number in zip(pairs, numbers, strict=True)
    )


def _host_and_port(place: str) -> tuple[str, str]:
    if place.startswith("["):
        host, bracket, rest = place[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise _malformed("the brackets of its IPv6 address do not match")
        return host, rest[1:]
    host, _, port = place.partition(":")
    return host, port


def _port(text: str) -> int:
    if not text:
        return DEFAULT_PORT
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:6]) <= 65_535:
        raise _malformed("its port is not a number from 1 to 65535")
    return int(text)


def _host_text(host: str) -> str:
    if host.startswith("/"):
        return quote(host, safe="")
    return f"[{host}]" if ":" in host else host


def _malformed(why: str) -> StoreError:
    return StoreError(
        Problem(
            Category.CONFIG,
            f"DATABASE_URL is malformed: {why}.",
            "Write it as postgresql://user:password@host:port/database, special characters as %XX, and start again.",
        )
    )
