"""An error as a person reads it: category, what happened, what to do.

CtsError
  InputError         what a person or a file gave is not acceptable; names the field
  OutsideError   the database, a disk, a keyring, a network said no
    StoreError         the database or a file behind the store
      CommitUnknownError   whether the change is stored is not known
      ConflictError        somebody else changed the same meanwhile; carries both values
    VaultError         a secret cannot be sealed or opened
    MigrationError     a migration file, the ledger, or the run of one
  Everything else that escapes is a bug and is shown as `Category.BUG`.
"""

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from models.change import Conflict


class Category(StrEnum):
    """What kind of problem it is; stable words that scripts may test for."""

    # the database behind the store
    LOST = "LOST"
    UNREACHABLE = "UNREACHABLE"
    SERVER_DOWN = "SERVER_DOWN"
    DNS = "DNS"
    STARTING = "STARTING"
    AUTH = "AUTH"
    AUTH_POLICY = "AUTH_POLICY"
    MISSING_DB = "MISSING_DB"
    NO_PRIVILEGE = "NO_PRIVILEGE"
    TOO_MANY = "TOO_MANY"
    TLS = "TLS"
    CONFIG = "CONFIG"
    SLOW = "SLOW"
    BUSY = "BUSY"
    CONTENTION = "CONTENTION"
    READ_ONLY = "READ_ONLY"
    SERVER_DISK = "SERVER_DISK"
    SERVER_IO = "SERVER_IO"
    CORRUPT = "CORRUPT"
    SCHEMA = "SCHEMA"
    CONSTRAINT = "CONSTRAINT"
    DATA = "DATA"
    DISK_FULL = "DISK_FULL"
    IO = "IO"
    NOT_WRITABLE = "NOT_WRITABLE"
    CANT_OPEN = "CANT_OPEN"
    MOVED = "MOVED"
    EMPTY_DB = "EMPTY_DB"
    BAD_FILE = "BAD_FILE"
    # what the program itself decides
    IN_USE = "IN_USE"
    TEMPORARY = "TEMPORARY"
    MIGRATION = "MIGRATION"
    LOCKED = "LOCKED"
    PASSPHRASE = "PASSPHRASE"  # noqa: S105 - as below; the vault needs one before a shared database may have secrets
    DAMAGED_SECRET = "DAMAGED_SECRET"  # noqa: S105 - a word, not a password
    KEYRING = "KEYRING"
    INVALID = "INVALID"
    NOT_FOUND = "NOT_FOUND"
    AMBIGUOUS = "AMBIGUOUS"
    CONFLICT = "CONFLICT"
    FENCE = "FENCE"
    LEGACY = "LEGACY"
    BUG = "BUG"
    UNKNOWN = "UNKNOWN"


class Problem(NamedTuple):
    """One problem, ready to be read. `text` says what happened, `solution` names one thing to do.

    The solution is for the window and names its pages and buttons. Where that is no help at a terminal, `by_command`
    says it in the words of the commands, which show that one. `detail` is technical and already redacted: an error
    code, a file and a line; never a value from a record.
    """

    category: Category
    text: str
    solution: str
    detail: str = ""
    by_command: str = ""

    @property
    def at_terminal(self) -> str:
        """The solution for who reads it at a terminal."""
        return self.by_command or self.solution

    def as_json(self) -> dict[str, str]:
        """Return what scripts get from the commands."""
        return {"category": self.category.value, "text": self.text, "solution": self.at_terminal}


class CtsError(Exception):
    """The root of every error that carries a Problem. `str()` gives the sentence a person reads."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.text} {problem.solution}".strip())
        self.problem = problem


class InputError(CtsError):
    """Input is not acceptable. `field` is the entity's field name, or "" where no single one is at fault."""

    def __init__(
        self,
        text: str,
        solution: str,
        *,
        field: str = "",
        category: Category = Category.INVALID,
        by_command: str = "",
    ) -> None:
        super().__init__(Problem(category, text, solution, by_command=by_command))
        self.field = field


class OutsideError(CtsError):
    """Something outside the program said no."""


class StoreError(OutsideError):
    """The database or a file behind the store failed."""


class CommitUnknownError(StoreError):
    """The answer to a COMMIT was lost: the change is stored or not. Only its operation's id, looked up, can tell."""


class ConflictError(StoreError):
    """Somebody else changed the same place meanwhile, so that nothing was stored. `conflicts`: one for each unit."""

    def __init__(self, problem: Problem, conflicts: "tuple[Conflict, ...]") -> None:
        super().__init__(problem)
        self.conflicts = conflicts


class VaultError(OutsideError):
    """A secret could not be sealed or opened."""


class MigrationError(OutsideError):
    """A migration file, the ledger, or the run of one."""
