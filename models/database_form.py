"""Where a PostgreSQL is, as a person fills it in, as settings.json keeps it, and as it is shown."""

from typing import Any, NamedTuple

from models.problem import InputError, Problem
from models.secret import Secret

DEFAULT_PORT = 5432
TLS_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_LONGEST = 500
_CHECKING_MODES = ("verify-ca", "verify-full")


class DatabaseForm(NamedTuple):
    """`host` may be several, with commas between; they share `port`. `password` None means the one that is kept."""

    host: str = ""
    port: int = DEFAULT_PORT
    database: str = ""
    user: str = ""
    tls: str = "prefer"
    root_certificate: str = ""
    password: Secret | None = None

    def checked(self) -> "DatabaseForm":
        """Return the form, trimmed; raises InputError that names the first field which cannot be that."""
        form = self._replace(
            host=_text(self.host, "host", "The host", needed=True),
            database=_text(self.database, "database", "The database", needed=True),
            user=_text(self.user, "user", "The user", needed=True),
            root_certificate=_text(self.root_certificate, "root_certificate", "The root certificate"),
        )
        if type(form.port) is not int or not 1 <= form.port <= 65_535:
            raise InputError("The port cannot be that.", "It is a number from 1 to 65535, usually 5432.", field="port")
        if form.password is not None and not _can_be_sent(form.password.reveal()):
            raise InputError("The password cannot be that.", "Type it without control characters.", field="password")
        if form.tls not in TLS_MODES:
            raise InputError("The TLS mode cannot be that.", f"It is one of {', '.join(TLS_MODES)}.", field="tls")
        if form.root_certificate and form.tls not in _CHECKING_MODES:
            text = f"With the TLS mode {form.tls} nobody is promised that the root certificate is used."
            raise InputError(text, "Choose verify-full or verify-ca, or leave the certificate out.", field="tls")
        return form

    def as_settings(self) -> dict[str, Any]:
        """Return what settings.json keeps of it; the password is sealed by whoever may."""
        return {name: value for name, value in self._asdict().items() if name != "password"}


class DatabaseSettings(NamedTuple):
    """What is in force. `source` is DATABASE_URL, USE_FILE_STORAGE, settings, or "" for the data folder's own database.

    `location` is masked. `fixed`: the environment decides, and what is saved here holds only once it does not.
    """

    form: DatabaseForm
    password_set: bool
    source: str
    location: str
    fixed: bool
    problem: Problem | None = None


class TestedDatabase(NamedTuple):
    """What a try found: `sentence` for a person; `connections` is None where the database has no list of ours yet."""

    server_version: str
    milliseconds: int
    connections: int | None
    sentence: str
    problem: Problem | None = None


def _can_be_sent(password: str) -> bool:
    # The driver ends a text at NUL and cannot write half a character; any other is the server's to judge.
    return not any(each == "\0" or "\ud800" <= each <= "\udfff" for each in password)


def _text(value: Any, field: str, word: str, *, needed: bool = False) -> str:
    text = value.strip() if isinstance(value, str) else None
    if text is None or len(text) > _LONGEST or not text.isprintable():
        raise InputError(f"{word} cannot be that.", "Type it without control characters.", field=field)
    if needed and not text:
        raise InputError(f"{word} is missing.", "Fill it in.", field=field)
    return text
