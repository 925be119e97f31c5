"""Connections as people handle them: found by name, checked, sealed, stored, announced."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, Protocol

from models.connection import CREDENTIALS, FIELDS, NEVER, Connection, Deleted
from models.connection_names import free_name, with_ending
from models.connection_row import ConnectionRow
from models.connection_rules import advice, new_connection_id, refuse_stray_secrets, validate
from models.event import ConnectionsChanged
from models.exchange import EXCHANGES
from models.problem import Category, InputError, Problem, StoreError
from models.secret import SealedSecret, Secret
from services.events import Events
from storage.repository import Repository

_SHORTEST_KEY_TO_HINT = 12
# What `connections show --json` adds or the store keeps: it may come back in an edit and is no field of a person's.
_NOT_SET_BY_HAND = {"revision", "created_at", "updated_at", *(f"{name}_set" for name in CREDENTIALS)}


class Saved(NamedTuple):
    """A stored connection, and sentences about what is allowed but probably not meant."""

    row: ConnectionRow
    advice: tuple[str, ...] = ()


class HasRepository(Protocol):
    """The part of the Store that this service uses."""

    @property
    def repository(self) -> Repository: ...


class Sealer(Protocol):
    """The part of the Vault that this service uses."""

    def seal(self, connection_id: str, field: str, secret: Secret) -> SealedSecret: ...

    def open_secret(self, connection_id: str, field: str, token: SealedSecret) -> Secret: ...

    def reseal(
        self, connection_id_from: str, connection_id_to: str, field: str, token: SealedSecret
    ) -> SealedSecret: ...


class ConnectionService:
    """Every call blocks and raises CtsError; events follow what is stored, never come before it."""

    def __init__(self, store: HasRepository, vault: Sealer, events: Events) -> None:
        self._store = store
        self._vault = vault
        self._events = events

    def rows(self) -> list[ConnectionRow]:
        return self._store.repository.rows()

    def have_credentials(self) -> bool:
        """Tell whether any connection has a secret yet."""
        return any(row.api_key_set or row.api_secret_set or row.api_passphrase_set for row in self.rows())

    def get(self, connection_id: str) -> Connection:
        connection = self._store.repository.get(connection_id)
        if connection is None:
            raise StoreError(_not_found("That connection is no longer there."))
        return connection

    def find(self, name_or_id: str) -> Connection:
        """Return the one connection that an id, a name, or a name in another case means."""
        repository = self._store.repository
        found = repository.get(name_or_id) if _storable(name_or_id) else None
        if found is not None:
            return found
        ids = repository.find(name_or_id)
        if len(ids) > 1:
            raise InputError(
                f"{len(ids)} connections are named like “{name_or_id}”.",
                f"Give the id instead; one of {', '.join(ids)}.",
                category=Category.AMBIGUOUS,
            )
        connection = repository.get(ids[0]) if ids else None
        if connection is None:
            raise StoreError(_not_found(f"No connection is named “{name_or_id}”."))
        return connection

    def add(self, fields: Mapping[str, Any]) -> Saved:
        """Check and store a new connection; an id that is given must be a UUID, else it gets one."""
        given = _settable(fields)
        refuse_stray_secrets(given)
        connection = validate(given)
        (row,) = self._store.repository.add([self._seal(connection)])
        self._events.publish(ConnectionsChanged(changed=(row,)))
        return Saved(row, advice(connection))

    def add_all(self, connections: Sequence[Connection]) -> list[ConnectionRow]:
        """Store checked connections, all or none; a name that is taken meanwhile gets a suffix."""
        rows = self._store.repository.add([self._seal(connection) for connection in connections], rename=True)
        self._announce(rows)
        return rows

    def edit(
        self,
        connection_id: str,
        fields: Mapping[str, Any],
        base_revision: int | None = None,
        base: Connection | None = None,
    ) -> Saved:
        """Change some fields.

        `base` is the record as the person saw it: what others changed since is merged. `base_revision` alone asks that
        nobody changed it since; CONFLICT tells that someone did.
        """
        if fields.get("id", connection_id) != connection_id:
            raise InputError("The id of a connection cannot be changed.", "Leave the id out.", field="id")
        base = base or self.get(connection_id)
        if base_revision is not None and base_revision != base.revision:
            raise StoreError(_changed_since(base, base_revision))
        if base.exchange not in EXCHANGES and "exchange" not in fields:
            raise InputError(
                f"“{base.name}” is for the exchange “{base.exchange}”, which this program does not know.",
                f"Set its exchange to one of {', '.join(EXCHANGES)}.",
                field="exchange",
            )
        given = {name: value for name, value in _settable(fields).items() if name != "id"}
        refuse_stray_secrets(given, base)
        # Half a set of credentials is refused when a person types one, not when an old gap meets an unrelated edit.
        connection = validate(given, base, complete=not _CREDENTIAL_RULES.isdisjoint(given))
        row = self._store.repository.update(base, self._seal(connection))
        self._events.publish(ConnectionsChanged(changed=(row,)))
        return Saved(row, advice(connection))

    def set_enabled(self, ids: Sequence[str], on: bool) -> list[ConnectionRow]:
        """Switch connections on or off; returns those that were not so already."""
        rows = self._store.repository.set_flag(ids, "enabled", on)
        self._announce(rows)
        return rows

    def duplicate(self, connection_id: str) -> Saved:
        """Store a copy under a free name. The copy never trades live by itself: that is switched on by hand."""
        original = self.get(connection_id)
        new_id = new_connection_id()
        tokens = {
            name: self._vault.reseal(original.id, new_id, name, token)
            for name in CREDENTIALS
            if isinstance(token := getattr(original, name), SealedSecret)
        }
        copy = replace(
            with_credentials(original, tokens),
            id=new_id,
            name=free_name(with_ending(original.name, " copy"), self._store.repository.names(), " {}"),
            live_trade=False,
            active=False,
            predefined=False,
            revision=1,
            created_at=NEVER,
        )
        (row,) = self._store.repository.add([copy])
        self._announce([row])
        return Saved(row, advice(copy))

    def remove(self, ids: Sequence[str]) -> list[Deleted]:
        """Delete connections; they can be restored for 90 days."""
        gone = self._store.repository.remove(ids)
        if gone:
            self._events.publish(ConnectionsChanged(removed=tuple(each.id for each in gone)))
        return gone

    def restore(self, ids_or_names: Sequence[str]) -> list[ConnectionRow]:
        """Bring deleted connections back; of one name, the one that was deleted last."""
        deleted = self._store.repository.deleted()
        ids = []
        for wanted in ids_or_names:
            found = next((each for each in deleted if wanted in (each.id, each.name)), None)
            if found is None:
                raise StoreError(_not_found(f"No deleted connection is named “{wanted}”."))
            ids.append(found.id)
        rows = self._store.repository.restore(ids)
        self._announce(rows)
        return rows

    def deleted(self) -> list[Deleted]:
        return self._store.repository.deleted()

    def key_ending(self, connection_id: str) -> str | None:
        """Return the last four characters of the API key, or None where there is none or it is too short to hint at."""
        token = self.get(connection_id).api_key
        if not isinstance(token, SealedSecret):
            return None
        value = self._vault.open_secret(connection_id, "api_key", token).reveal()
        return value[-4:] if len(value) >= _SHORTEST_KEY_TO_HINT else None

    def free_name(self, wanted: str) -> str:
        """Return `wanted`, or with “ (2)”, “ (3)” and so on when it is taken."""
        return free_name(wanted, self._store.repository.names())

    def _announce(self, rows: Sequence[ConnectionRow]) -> None:
        if rows:
            self._events.publish(ConnectionsChanged(changed=tuple(rows)))

    def _seal(self, connection: Connection) -> Connection:
        tokens = {
            name: self._vault.seal(connection.id, name, secret)
            for name in CREDENTIALS
            if isinstance(secret := getattr(connection, name), Secret)
        }
        return with_credentials(connection, tokens)


def with_credentials(connection: Connection, tokens: Mapping[str, SealedSecret]) -> Connection:
    """Return the connection with these credentials in place of its own."""
    return replace(
        connection,
        api_key=tokens.get("api_key", connection.api_key),
        api_secret=tokens.get("api_secret", connection.api_secret),
        api_passphrase=tokens.get("api_passphrase", connection.api_passphrase),
    )


def as_json(record: ConnectionRow | Connection) -> dict[str, Any]:
    """Return what commands print: never a secret or a part of one, only whether each is set."""
    if isinstance(record, ConnectionRow):
        return record._asdict() | {"tags": list(record.tags)}
    values: dict[str, Any] = {name: getattr(record, name) for name in FIELDS if name not in CREDENTIALS}
    values |= {f"{name}_set": getattr(record, f"{name}_set") for name in CREDENTIALS}
    values["tags"] = list(record.tags)
    for name in ("created_at", "updated_at"):
        values[name] = values[name].isoformat().replace("+00:00", "Z")
    return {name: str(value) if isinstance(value, str) else value for name, value in values.items()}


_CREDENTIAL_RULES = {*CREDENTIALS, "exchange"}


def _settable(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in _NOT_SET_BY_HAND}


def _storable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _not_found(text: str) -> Problem:
    return Problem(Category.NOT_FOUND, text, "Look at the list of connections for what is there.")


def _changed_since(base: Connection, base_revision: int) -> Problem:
    return Problem(
        Category.CONFLICT,
        f"“{base.name}” was changed meanwhile: it is at revision {base.revision}, you started from {base_revision}.",
        "Read it again and repeat your change.",
    )
