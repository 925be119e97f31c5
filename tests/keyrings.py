"""Keyring backends for tests: real subclasses of the library's, each with one behaviour that keyrings have."""

import json
import threading
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError, PasswordSetError

from storage.key_holders import SystemKeyring


class FileKeyring(KeyringBackend):
    """A keyring that works: its entries are in a file, so that another process finds them."""

    priority = 5

    def __init__(self, path: Path) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.path = path

    def get_password(self, service: str, username: str) -> str | None:
        return self.entries().get(f"{service}/{username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        self._write({**self.entries(), f"{service}/{username}": password})

    def delete_password(self, service: str, username: str) -> None:
        entries = self.entries()
        if entries.pop(f"{service}/{username}", None) is None:
            raise PasswordDeleteError("Not found")
        self._write(entries)

    def entries(self) -> dict[str, str]:
        try:
            content: dict[str, str] = json.loads(self.path.read_text())
        except FileNotFoundError:
            return {}
        return content

    def _write(self, entries: dict[str, str]) -> None:
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps(entries))
        new.replace(self.path)


class SwallowingKeyring(FileKeyring):
    """Takes everything and keeps nothing, as the library's null backend does."""

    def set_password(self, service: str, username: str, password: str) -> None:
        pass


class RefusingKeyring(FileKeyring):
    """Reads, but does not write."""

    def set_password(self, service: str, username: str, password: str) -> None:
        raise PasswordSetError("The collection is read-only")


class LockedKeyring(FileKeyring):
    """Its person closed the prompt."""

    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked("Failed to unlock the collection!")

    set_password = RefusingKeyring.set_password


class StuckKeyring(FileKeyring):
    """Waits for a prompt that nobody sees, until `release` is set."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.release = threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        self.release.wait(60)
        return super().get_password(service, username)

    def set_password(self, service: str, username: str, password: str) -> None:
        self.release.wait(60)
        super().set_password(service, username, password)


def only(*backends: KeyringBackend, deadline: float = 10.0) -> SystemKeyring:
    """Return a system keyring that knows these backends and no other."""
    return SystemKeyring({}, backends=lambda: backends, deadline=deadline)
