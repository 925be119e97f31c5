"""Moving all records between the data folder's database and a PostgreSQL, and using the new one from then on."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from models.event import Notice
from models.moving import Moved, MovePreview, MoveProgress, TargetState
from models.problem import Category, InputError, Problem, StoreError, VaultError
from models.status import StoreState
from services.late_vault import renewed_or_as_it_is

if TYPE_CHECKING:
    from models.database_form import DatabaseForm
    from services.database_settings import DatabaseSettingsService
    from services.events import Events
    from services.late_vault import LateVault
    from storage.data_folder import DataFolder
    from storage.moving import Copied, Survey
    from storage.open_database import OpenDatabase
    from storage.postgresql.address import Address
    from storage.store import Store

SQLITE: Final = "sqlite"
_STOPPED: Final = "The move was stopped. Nothing was changed."
_AWAY: Final = frozenset({Category.LOST, Category.UNREACHABLE, Category.SERVER_DOWN, Category.STARTING})
_FORM_OPTIONS: Final = {"sslmode", "sslrootcert"}


class MovingService:
    """Every call blocks and raises CtsError. A target is "sqlite", the URL of a PostgreSQL, or the form of one."""

    def __init__(
        self,
        store: "Store",
        vault: "LateVault",
        settings: "DatabaseSettingsService",
        folder: "DataFolder",
        migrations: Path,
        events: "Events",
    ) -> None:
        self._store = store
        self._vault = vault
        self._settings = settings
        self._folder = folder
        self._migrations = migrations
        self._events = events

    def preview(self, target: "str | DatabaseForm") -> MovePreview:
        """Return what a move would do; what would keep it from being done is its `problem`. Changes nothing."""
        from storage.moving import survey

        source = self._source()
        here = survey(source)
        if target == SQLITE:
            return self._preview_sqlite(source, here)
        form = self._form(target)
        self._refuse_same(form)
        return self._preview_server(source, here, self._settings.address(form))

    def move(
        self,
        target: "str | DatabaseForm",
        watch: Callable[[MoveProgress], None] = lambda _progress: None,
        stop: threading.Event | None = None,
    ) -> Moved:
        """Copy, compare, and switch to the target. Until the switch the old database is in use, and it is only read.

        `watch` is told how far it is, `stop` ends it before anything has changed.
        """
        source = self._source()
        form = None if target == SQLITE else self._form(target)
        watched = _stoppable(watch, stop)
        # Held to the end: nothing may be saved in the old database after it was copied.
        with source.hold():
            if form is None:
                with _as_unmoved():
                    copied = self._to_sqlite(source, watched)
                location = str(self._folder.database)
            else:
                self._refuse_same(form)
                address = self._settings.address(form)
                with _as_unmoved():
                    copied = self._to_server(source, address, watched)
                location = address.masked()
            old = source.location
            switched = self._switch(form)
        moved = Moved(
            old, location, copied.connections, copied.rows, copied.kept, copied.left_out, switched,
            _sentence(copied, location, switched=switched, to_file=form is None),
        )  # fmt: skip
        self._events.publish(Notice("info" if switched else "warning", moved.sentence))
        return moved

    def _to_sqlite(self, source: "OpenDatabase", watch: Callable[[MoveProgress], None]) -> "Copied":
        from storage.moving import copy_store, new_sqlite

        if source.dialect == SQLITE:
            raise _already(str(self._folder.database))
        with new_sqlite(self._folder, self._migrations) as target:
            return copy_store(source, target, watch=watch)

    def _to_server(self, source: "OpenDatabase", address: "Address", watch: Callable[[MoveProgress], None]) -> "Copied":
        from storage.moving import copy_store, ready
        from storage.postgresql.database import PostgresDatabase
        from storage.shared_vault import join

        with closing(PostgresDatabase.open(address)) as target:
            ready(target, self._migrations)
            try:
                problem = join(target, self._vault) or self._vault.sharing.refusal
                if problem is not None and _has_secrets(source):
                    raise VaultError(problem)
                return copy_store(source, target, renew=partial(renewed_or_as_it_is, self._vault), watch=watch)
            finally:
                # Until the switch, and if it does not come to that, the vault belongs to the old database.
                with suppress(StoreError):
                    join(source, self._vault)

    def _switch(self, form: "DatabaseForm | None") -> bool:
        """Use the target from now on; False where the environment decides which database is used."""
        if self._settings.current.fixed:
            return False
        if form is None:
            self._settings.clear()
        else:
            self._settings.save(form)
        problem = self._store.status.problem
        if problem is not None and problem.category is Category.FENCE:
            # The person has just said so by moving.
            self._store.accept_database()
        return True

    def _source(self) -> "OpenDatabase":
        database, status = self._store.database, self._store.status
        if database is None or status.state is not StoreState.ONLINE:
            text = "A move begins from a database that is there and takes changes."
            because = status.problem
            text += f" {because.text}" if because else ""
            raise StoreError(Problem(because.category if because else Category.CANT_OPEN, text, "Try again later."))
        if status.waiting:
            text = f"Changes still wait for the database ({status.waiting:,})."
            raise StoreError(Problem(Category.BUSY, text, "Wait until they are sent, and try again."))
        return database

    def _preview_sqlite(self, source: "OpenDatabase", here: "Survey") -> MovePreview:
        if source.dialect == SQLITE:
            raise _already(str(self._folder.database))
        there = self._folder.database.is_file()
        kept = " The database that is there now is kept in quarantine." if there else ""
        return MovePreview(
            source.location,
            str(self._folder.database),
            here.connections,
            here.to_copy,
            TargetState.REPLACED if there else TargetState.EMPTY,
            0,
            f"{_connections(here.connections)} would be copied to {self._folder.database}.{kept}",
        )

    def _preview_server(self, source: "OpenDatabase", here: "Survey", address: "Address") -> MovePreview:
        from storage.moving import Survey, occupied, survey
        from storage.postgresql.visit import visit

        found = visit(address)
        there: Survey | None = None
        if found.connections is not None:
            from storage.postgresql.database import PostgresDatabase

            with closing(PostgresDatabase.open(address, read_only=True)) as target, suppress(StoreError):
                there = survey(target)
        state = TargetState.EMPTY if found.connections is None else TargetState.UNKNOWN
        if there is not None:
            state = there.state_for(here)
        problem = found.problem
        if problem is None and there is not None and state is TargetState.OCCUPIED:
            problem = occupied(address.masked(), there)
        if problem is None and _has_secrets(source) and not self._vault.sharing.has_passphrase:
            from storage.shared_vault import NEEDS_PASSPHRASE

            problem = NEEDS_PASSPHRASE
        sentence = f"{_connections(here.connections)} would be copied to {address.masked()} and compared."
        if state is TargetState.EARLIER:
            sentence = f"An earlier move to {address.masked()} is finished: what changed since is copied."
        return MovePreview(
            source.location,
            address.masked(),
            here.connections,
            here.to_copy,
            state,
            found.connections or 0,
            sentence,
            problem,
        )

    def _form(self, target: "str | DatabaseForm") -> "DatabaseForm":
        return form_of_url(target) if isinstance(target, str) else target.checked()

    def _refuse_same(self, form: "DatabaseForm") -> None:
        from services.configuration import address_of

        wanted = address_of(form)
        if wanted.masked().replace(":***@", "@") == self._store.status.location.replace(":***@", "@"):
            raise _already(self._store.status.location)


def form_of_url(url: str) -> "DatabaseForm":
    """Return the form that means the same as a URL. Raises CtsError where there is none."""
    from models.database_form import DatabaseForm
    from storage.postgresql.address import parse_address

    address = parse_address(url)
    options = dict(address.options)
    ports = {port for _, port in address.hosts}
    if options.keys() - _FORM_OPTIONS or len(ports) > 1:
        raise InputError(
            "The settings cannot hold all that this URL says.",
            "Leave out every option but sslmode and sslrootcert, or set DATABASE_URL and export and import.",
        )
    tls, root = options.get("sslmode", "prefer"), options.get("sslrootcert", "")
    if root and tls == "require":
        # With a root certificate libpq checks as for verify-ca.
        tls = "verify-ca"
    return DatabaseForm(
        ",".join(host for host, _ in address.hosts),
        ports.pop(),
        address.database,
        address.user,
        tls,
        root,
        address.password,
    ).checked()


def _stoppable(watch: Callable[[MoveProgress], None], stop: threading.Event | None) -> Callable[[MoveProgress], None]:
    def watched(progress: MoveProgress) -> None:
        if stop is not None and stop.is_set():
            raise InputError(_STOPPED, "Start it again whenever you like.")
        watch(progress)

    return watched


@contextmanager
def _as_unmoved() -> Iterator[None]:
    """Say what a server that goes away means for a move: nothing of it is kept here and sent later."""
    try:
        yield
    except StoreError as error:
        if error.problem.category not in _AWAY:
            raise
        text = f"The records were not moved. {error.problem.text}"
        solution = "The old database is in use as before. Move them again when the server is back."
        raise StoreError(error.problem._replace(text=text, solution=solution)) from error


def _has_secrets(source: "OpenDatabase") -> bool:
    with source.read() as statements:
        found = statements.execute(
            "SELECT 1 FROM exchange_connections WHERE coalesce(api_key, api_secret, api_passphrase, '') <> '' LIMIT 1"
        ).fetchone()
    return found is not None


def _already(location: str) -> InputError:
    return InputError(f"The records are in {location} already.", "Name another database.")


def _connections(count: int) -> str:
    return "1 connection" if count == 1 else f"{count:,} connections"


def _sentence(copied: "Copied", location: str, *, switched: bool, to_file: bool) -> str:
    sentence = f"{_connections(copied.connections)} are in {location} now; {copied.rows:,} rows were compared."
    if copied.connections == 1:
        sentence = sentence.replace(" are in ", " is in ")
    if copied.kept:
        sentence += f" Changed there meanwhile and left as they are there: {', '.join(copied.kept[:5])}"
        sentence += f" and {len(copied.kept) - 5:,} more." if len(copied.kept) > 5 else "."
    if not switched:
        todo = "Remove DATABASE_URL" if to_file else "Set DATABASE_URL to it"
        sentence += f" The old one is still in use, because DATABASE_URL decides. {todo} and start again."
    return sentence
