"""The PostgreSQL of the settings: tried, saved with its password sealed, and handed to the store as its target."""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from models.problem import Category, CtsError, Problem, StoreError
from models.secret import SealedSecret, Secret
from services.configuration import (
    DATABASE_URL,
    SETTINGS,
    USE_FILE_STORAGE,
    Configuration,
    address_of,
    form_of,
    read_configuration,
)
from storage.target import Target

if TYPE_CHECKING:
    from models.database_form import DatabaseForm, DatabaseSettings, TestedDatabase
    from services.settings import SettingsService
    from storage.postgresql.address import Address

_OWNER = "settings"
"""Takes the place of a connection's id in what the password's token is bound to."""


class Sealing(Protocol):
    """The part of the vault that this service uses."""

    def seal(self, connection_id: str, field: str, secret: Secret) -> SealedSecret: ...

    def open_secret(self, connection_id: str, field: str, token: SealedSecret) -> Secret: ...


class DatabaseSettingsService:
    """Every call may block; those that raise, raise CtsError. `switch` makes the store open its target anew."""

    def __init__(
        self,
        settings: "SettingsService",
        vault: Sealing,
        environment: Mapping[str, str],
        switch: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._vault = vault
        self._environment = environment
        self._switch = switch

    @property
    def configuration(self) -> Configuration:
        return read_configuration(self._environment, self._settings.current.database)

    @property
    def current(self) -> "DatabaseSettings":
        """What is in force, for a form to show: everything but the password."""
        from models.database_form import DatabaseForm, DatabaseSettings

        asked = self.configuration
        form = DatabaseForm()
        try:
            form = form_of(self._saved) if self._saved else _form_at(asked.address) if asked.address else form
        except CtsError:
            form = DatabaseForm()  # the configuration's problem says what is wrong with it
        password_set = bool(asked.address and asked.address.password) or bool(self._token)
        fixed = asked.source in {DATABASE_URL, USE_FILE_STORAGE}
        return DatabaseSettings(form, password_set, asked.source, asked.location, fixed, asked.problem)

    def target(self) -> Target:
        """Return what the store is to open now. Never raises: see its `problem`."""
        asked = self.configuration
        if asked.address is None or asked.problem is not None:
            return Target(asked.wanted, problem=asked.problem)
        try:
            return Target(asked.wanted, self._with_password(asked))
        except CtsError as error:
            return Target(asked.wanted, asked.address, _unopened(error.problem))

    def test(self, form: "DatabaseForm") -> "TestedDatabase":
        """Connect as the form says and look around; what is wrong is in the answer, wrong input raises InputError."""
        from models.database_form import TestedDatabase
        from storage.postgresql.visit import visit

        address = self._address(form.checked())
        start = time.perf_counter()
        try:
            found = visit(address)
        except StoreError as error:
            return TestedDatabase("", _since(start), None, error.problem.text, error.problem)
        return TestedDatabase(found.server_version, _since(start), found.connections, found.sentence, found.problem)

    def address(self, form: "DatabaseForm") -> "Address":
        """Return where a form leads, with its password or the one that is kept. Raises CtsError."""
        return self._address(form.checked())

    def save(self, form: "DatabaseForm") -> "DatabaseSettings":
        """Keep the form, its password sealed, and open that database; raises CtsError, and then nothing is changed."""
        form = form.checked()
        fields = form.as_settings()
        password = form.password if form.password is not None else self._kept_password()
        if password:
            fields["password"] = str(self._vault.seal(_OWNER, _field(address_of(form)), password))
        self._settings.change(database=fields)
        self._switch()
        return self.current

    def clear(self) -> "DatabaseSettings":
        """Forget the PostgreSQL of the settings; the data folder's own database is opened."""
        self._settings.change(database={})
        self._switch()
        return self.current

    def key_id(self) -> str | None:
        """Return the id of the vault's key that sealed the password; None where none is kept."""
        from storage.envelope import split_token

        try:
            return split_token(self._token)[0] if self._token else None
        except CtsError:
            return None

    def reseal(self) -> None:
        """Seal the password anew with the vault's current key, for a rotation. Raises CtsError."""
        password = self._kept_password()
        if password:
            field = _field(address_of(form_of(self._saved)))
            fields = {**self._saved, "password": str(self._vault.seal(_OWNER, field, password))}
            self._settings.change(database=fields)

    @property
    def _saved(self) -> Any:
        return self._settings.current.database

    @property
    def _token(self) -> SealedSecret | None:
        token = self._saved.get("password") if isinstance(self._saved, Mapping) else None
        return SealedSecret(token) if isinstance(token, str) and token else None

    def _kept_password(self) -> Secret | None:
        if self._token is None:
            return None
        return self._vault.open_secret(_OWNER, _field(address_of(form_of(self._saved))), self._token)

    def _with_password(self, asked: Configuration) -> "Address | None":
        if asked.address is None or asked.source != SETTINGS:
            return asked.address
        return asked.address.with_password(self._kept_password())

    def _address(self, form: "DatabaseForm") -> "Address":
        address = address_of(form)
        return address if form.password is not None else address.with_password(self._kept_password())


def _field(address: "Address") -> str:
    """Name what the password's token is bound to: it is never sent to another server than the one it was typed for."""
    hosts = ",".join(f"{host}:{port}" for host, port in address.hosts)
    return f"database password of {address.user} at {hosts}/{address.database}"


def _form_at(address: "Address") -> "DatabaseForm":
    from models.database_form import DatabaseForm

    options = dict(address.options)
    return DatabaseForm(
        ",".join(host for host, _ in address.hosts),
        address.hosts[0][1],
        address.database,
        address.user,
        options.get("sslmode", "prefer"),
        options.get("sslrootcert", ""),
    )


def _unopened(problem: Problem) -> Problem:
    text = f"The password of the database cannot be opened. {problem.text}"
    if problem.category is not Category.DAMAGED_SECRET:
        return problem._replace(text=text)
    solution = "Type it again in Settings, Database."
    return problem._replace(text=text, solution=solution, by_command="Give it again with `database set`.")


def _since(start: float) -> int:
    return round((time.perf_counter() - start) * 1000)
