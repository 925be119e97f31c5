"""The vault of a shared database: its header stands in `vault_keys`, so that every desktop opens the same secrets.

The row is replaced by whoever names the version that it saw, so that two desktops never overwrite each other. A desktop
whose own vault is another one adopts the database's, and keeps its own keys for what they sealed.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple, Protocol

from models.connection import CREDENTIALS
from models.problem import Category, Problem, StoreError, VaultError
from models.secret import SealedSecret
from storage.atomic_file import BadFileError
from storage.key_holders import PassphraseFileError
from storage.key_sources import UNLOCK_BY_COMMAND, wrap_all
from storage.open_database import OpenDatabase
from storage.operations import Operation
from storage.vault_file import VaultFile, header_digest, header_text, read_header
from storage.vault_keys import VaultKeys

NEEDS_PASSPHRASE: Final = Problem(
    Category.PASSPHRASE,
    "A shared database needs a passphrase before it may hold credentials: every desktop opens them with it.",
    "Set one in Settings, Vault; then save again.",
    by_command="Set one with `vault set-passphrase`, or name its file in CTS_PASSPHRASE_FILE; then save again.",
)
JOIN: Final = Problem(
    Category.LOCKED,
    "The secrets of this database are sealed with a passphrase that this desktop does not have yet.",
    "Type it once in Settings, Vault.",
    by_command=UNLOCK_BY_COMMAND,
)
_CHANGED_ELSEWHERE: Final = Problem(
    Category.CONFLICT,
    "Another desktop changed the vault of this database at the same moment; nothing was changed here.",
    "Look at the vault in Settings, and try again.",
    by_command="Look at it with `vault status`, and try again.",
)


class Row(NamedTuple):
    """What `vault_keys` holds."""

    version: int
    content: str


class VaultTable:
    """`vault_keys` of one database. Every call raises StoreError."""

    def __init__(self, database: OpenDatabase) -> None:
        self._database = database
        self._mark = "%s" if database.dialect == "postgresql" else "?"

    def read(self) -> Row | None:
        with self._database.read() as statements:
            found = statements.execute("SELECT version, content FROM vault_keys").fetchone()
        return None if found is None else Row(int(found[0]), str(found[1]))

    def insert(self, header: VaultFile) -> bool:
        """Store the first header; False where there is one already."""
        return self._run(
            'INSERT INTO vault_keys ("only", vault, version, content) VALUES (1, ?, 1, ?) ON CONFLICT DO NOTHING',
            (header.vault, header_text(header)),
        )

    def replace(self, header: VaultFile, version: int) -> bool:
        """Store the next header; False where `version` is no longer the one that is there."""
        return self._run(
            "UPDATE vault_keys SET vault = ?, version = version + 1, content = ?, changed_at = CURRENT_TIMESTAMP"
            " WHERE version = ?",
            (header.vault, header_text(header), version),
        )

    def _run(self, text: str, parameters: tuple[object, ...]) -> bool:
        with self._database.write() as statements:
            done = statements.execute(text.replace("?", self._mark), parameters)
            return bool(done.rowcount == 1)


class Sharing:
    """One vault's part in a shared database. `refusal` says why nothing may be sealed for it."""

    def __init__(self, keys: VaultKeys) -> None:
        self.refusal: Problem | None = None
        self._keys = keys
        self._table: VaultTable | None = None

    def begin(self, table: VaultTable | None) -> Problem | None:
        """Make the vault and the table agree. None as a table: the vault is this computer's own from now on."""
        with self._keys.lock:
            return self._begin(table)

    @property
    def has_passphrase(self) -> bool:
        """Whether a passphrase opens the vault, so that it can be shared."""
        return self._keys.file is not None and self._keys.file.has_passphrase()

    @property
    def needs(self) -> Problem | None:
        """What a person has to do before secrets can be sealed for the database; None if nothing."""
        if self.refusal is not None:
            return self.refusal
        file = self._keys.file
        return JOIN if file is None or file.current not in self._keys.open.data else None

    @property
    def has_recovery_key(self) -> bool:
        return self._keys.file is not None and "recovery" in self._keys.file.kdf

    def learn(self, header: str) -> None:
        """Remember the keys of a header that came with restored records: its passphrase opens them from now on.

        Raises VaultError where vault.json cannot be written, BadFileError for what is no header.
        """
        with self._keys.lock:
            file, new = self._keys.existing(), read_header(header)
            if any(file.part(key.id) is None for key in new.keys):
                self._keys.write(file._replace(others=(*file.others, new)))

    def _begin(self, table: VaultTable | None) -> Problem | None:
        self._table = table
        self.refusal = self._keys.share = None
        if table is None:
            return None
        try:
            return self._agree(table)
        except BadFileError as error:
            self.refusal = Problem(
                Category.LOCKED,
                f"{error.problem.text} Secrets can be neither opened nor sealed.",
                "Restore a backup of the database, or ask whoever changed the table vault_keys.",
            )
        except VaultError as error:
            self.refusal = error.problem
        return self.refusal

    def _agree(self, table: VaultTable) -> Problem | None:
        file = self._keys.existing()
        row = table.read()
        if row is None:
            return self._offer(table)
        header = read_header(row.content)._replace(version=row.version)
        header = header._replace(synced=header_digest(header))
        changed_here = file.synced != header_digest(file)
        if header.vault == file.vault and header.synced == file.synced and changed_here and self._keys.writable:
            # It was changed here while this database was away.
            if not table.replace(file, row.version):
                return self._agree(table)
            self._keys.write(file._replace(version=row.version + 1, synced=header_digest(file)))
        elif (header.version, header.synced, header.vault) != (file.version, header_digest(file), file.vault):
            self._keys.adopt(header)
        self._keys.share = self._publish
        return self._open()

    def _open(self) -> Problem | None:
        file = self._keys.existing()
        try:
            self._keys.key(file.current)
        except VaultError:
            return JOIN
        if file.holder == "keyring" and self._keys.writable and not self._keys.sources.keyring_has(file.current):
            self._keys.keep_in_keyring(file)
        return None

    def _offer(self, table: VaultTable) -> Problem | None:
        """Make this vault the database's: wrapped by a passphrase, or not before there is one."""
        self._keys.share = self._publish
        file = self._keys.existing()
        if not self._keys.writable or not (file.has_passphrase() or self._wrap_by_named()):
            self.refusal = NEEDS_PASSPHRASE
            return None
        file = self._keys.existing()
        if not table.insert(file):
            return self._agree(table)
        self._keys.write(file._replace(version=1, synced=header_digest(file)))
        return None

    def _wrap_by_named(self) -> bool:
        try:
            named = self._keys.sources.named_passphrase()
        except PassphraseFileError:
            return False
        if named is None:
            return False
        file = self._keys.changeable()
        new, wrapping = wrap_all(file, self._keys.open, "passphrase", named)
        holder = "passphrase" if file.holder == "file" else file.holder
        self._keys.write(new._replace(holder=holder), {"passphrase": wrapping})
        if file.holder == "file":
            self._keys.sources.forget("file", ())
        return self._keys.existing().has_passphrase()

    def _publish(self, file: VaultFile) -> VaultFile:
        """Take a changed header to the database before it counts here. Raises VaultError; then nothing has changed."""
        table = self._table
        if table is None or not file.has_passphrase():
            return file
        try:
            version = file.version if table.read() is not None else 0
            done = table.replace(file, version) if version else table.insert(file)
            if not done:
                self._agree(table)
        except BadFileError as error:
            raise VaultError(error.problem) from error
        except StoreError as error:
            text = f"The vault was not changed, because it is shared through the database. {error.problem.text}"
            raise VaultError(error.problem._replace(text=text)) from error
        if not done:
            raise VaultError(_CHANGED_ELSEWHERE)
        self.refusal = None
        return file._replace(version=version + 1, synced=header_digest(file))


class Joining(Protocol):
    """The part of a vault that joins a database."""

    @property
    def sharing(self) -> Sharing: ...


class Renewing(Protocol):
    """The part of a vault that seals anew."""

    def renew(self, connection_id: str, field: str, token: SealedSecret) -> SealedSecret: ...


def join(database: OpenDatabase, vault: Joining) -> Problem | None:
    """Let the vault and the open, migrated database agree on keys; call it after every opening of a database.

    Returns what a person has to do before secrets can be used; None if nothing. Raises StoreError.
    """
    return vault.sharing.begin(VaultTable(database) if database.dialect == "postgresql" else None)


def reseal(operation: Operation, vault: Renewing) -> Operation:
    """Return a waiting operation as the database of the moment may have it: its secrets sealed with the vault's key.

    Raises VaultError: LOCKED, or PASSPHRASE where the database may not have secrets yet. Then it has to wait on.
    """
    changes = _renewed(operation.connection_id, operation.changes, vault.renew)
    base = _renewed(operation.connection_id, operation.base, _or_as_it_is(vault.renew))
    if changes == operation.changes and base == operation.base:
        return operation
    return replace(operation, changes=changes, base=base)


_Renew = Callable[[str, str, SealedSecret], SealedSecret]


def _renewed(connection_id: str, values: Mapping[str, Any], renew: _Renew) -> dict[str, Any]:
    return {
        name: renew(connection_id, name, SealedSecret(value)) if name in CREDENTIALS and value else value
        for name, value in values.items()
    }


def _or_as_it_is(renew: _Renew) -> _Renew:
    """What was there before is only compared with: where it cannot be opened it differs, and a person is asked."""

    def careful(connection_id: str, field: str, token: SealedSecret) -> SealedSecret:
        try:
            return renew(connection_id, field, token)
        except VaultError:
            return token

    return careful
