"""Who keeps the data key: the system keyring, a person's passphrase, or a file beside the data.

The keyring library is asked for its real backends by name. Its own choice is never used: an environment variable or a
file in the home folder can make it load any class, and one of its classes swallows what it is given.
"""

import base64
import binascii
import importlib
import json
import os
import stat
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from models.secret import Secret
from storage.atomic_file import BadFileError, read_capped
from storage.envelope import KEY_BYTES
from storage.json_file import read_json, write_json

T = TypeVar("T")

SERVICE: Final = "CTS Connections"
DEADLINE_SECONDS: Final = 10.0
_PASSPHRASE_LIMIT: Final = 4_096
_SECRET_SERVICE: Final = (
    "keyring.backends.SecretService:Keyring",
    "keyring.backends.libsecret:Keyring",
    "keyring.backends.kwallet:DBusKeyring",
)
_ALLOWED: Final[Mapping[str, Sequence[str]]] = {
    "win32": ("keyring.backends.Windows:WinVaultKeyring",),
    "darwin": ("keyring.backends.macOS:Keyring",),
}
# Whoever names one of these wants no keyring at all, and that wish is respected.
_SWITCHED_OFF: Final = ("keyring.backends.null.", "keyring.backends.fail.")


class HeldKey(NamedTuple):
    """A data key as a holder keeps it, with the ids that make it useful where vault.json is lost."""

    vault: str
    id: str
    data_key: bytes

    def as_json(self) -> dict[str, str]:
        return {"vault": self.vault, "key": self.id, "data_key": base64.b64encode(self.data_key).decode()}

    @classmethod
    def from_json(cls, item: Any) -> "HeldKey":
        """Raises ValueError for anything else than what `as_json` gave."""
        try:
            data_key = base64.b64decode(item["data_key"], validate=True)
            held = cls(item["vault"], item["key"], data_key)
        except (KeyError, TypeError, binascii.Error) as error:
            raise ValueError("not a held key") from error
        if len(data_key) != KEY_BYTES or not all(
            isinstance(item[name], str) and item[name] for name in ("vault", "key")
        ):
            raise ValueError("not a held key")
        return held


class KeyringError(Exception):
    """The system keyring cannot be used now; the sentence says why."""


class SystemKeyring:
    """The keyring of the desktop. Every call has a deadline: a locked collection waits for ever for its password.

    `backends` gives the keyring backends that may be used, best first; without it, the real ones of this system.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        backends: Callable[[], Sequence[Any]] | None = None,
        deadline: float = DEADLINE_SECONDS,
    ) -> None:
        self._environment = environment
        self._backends = backends or real_backends
        self._given = backends is not None
        self._deadline = deadline

    def may_exist(self) -> bool:
        """Whether looking is worth the import: False where the environment rules a keyring out."""
        if self._environment.get("PYTHON_KEYRING_BACKEND", "").startswith(_SWITCHED_OFF):
            return False
        if self._given or sys.platform in _ALLOWED:
            return True
        runtime = self._environment.get("XDG_RUNTIME_DIR")
        return bool(self._environment.get("DBUS_SESSION_BUS_ADDRESS")) or bool(
            runtime and Path(runtime, "bus").exists()
        )

    def load(self, key_id: str) -> HeldKey | None:
        """Return what the keyring holds under this id, None where it holds nothing. Raises KeyringError."""
        return self._within_deadline(lambda: self._load(key_id))

    def store(self, held: HeldKey) -> None:
        """Keep the key, and read it back: a backend that swallows it is no keyring. Raises KeyringError."""
        self._within_deadline(lambda: self._store(held))

    def delete(self, key_id: str) -> None:
        """Forget the key, where it is there. Raises KeyringError."""
        self._within_deadline(lambda: self._delete(key_id))

    def _load(self, key_id: str) -> HeldKey | None:
        failure: Exception | None = None
        for backend in self._usable():
            try:
                entry = backend.get_password(SERVICE, key_id)
                if entry is not None:
                    return HeldKey.from_json(json.loads(entry))
            except Exception as error:  # noqa: BLE001 - backends raise whatever their system does
                failure = error
        if failure is not None:
            raise KeyringError(f"The system keyring did not give the key ({type(failure).__name__}).")
        return None

    def _store(self, held: HeldKey) -> None:
        entry = json.dumps(held.as_json())
        failure = "there is none"
        for backend in self._usable():
            try:
                backend.set_password(SERVICE, held.id, entry)
                if backend.get_password(SERVICE, held.id) == entry:
                    return
                failure = "it did not keep the key"
            except Exception as error:  # noqa: BLE001 - as above
                failure = type(error).__name__
        raise KeyringError(f"The system keyring cannot be used ({failure}).")

    def _delete(self, key_id: str) -> None:
        for backend in self._usable():
            try:
                if backend.get_password(SERVICE, key_id) is not None:
                    backend.delete_password(SERVICE, key_id)
            except Exception as error:
                # As above: backends raise whatever their system does.
                raise KeyringError(f"The system keyring kept the old key ({type(error).__name__}).") from error

    def _usable(self) -> Sequence[Any]:
        found = self._backends() if self.may_exist() else ()
        if not found:
            raise KeyringError("This system has no keyring that is running.")
        return found

    def _within_deadline(self, call: Callable[[], T]) -> T:
        import queue

        answer: queue.SimpleQueue[tuple[bool, Any]] = queue.SimpleQueue()

        def run() -> None:
            try:
                answer.put((True, call()))
            except Exception as error:  # noqa: BLE001 - it is raised again below, on the caller's thread
                answer.put((False, error))

        threading.Thread(target=run, name="keyring", daemon=True).start()
        try:
            good, result = answer.get(timeout=self._deadline)
        except queue.Empty:
            raise KeyringError(f"The system keyring did not answer within {self._deadline:g} s.") from None
        if good:
            return result  # type: ignore[no-any-return]
        if isinstance(result, KeyringError):
            raise result
        raise KeyringError(f"The system keyring cannot be used ({type(result).__name__}).") from result


def real_backends() -> Sequence[Any]:
    """Return the backends of this system that are running, best first; imports the keyring library (97 ms)."""
    found = []
    for name in _ALLOWED.get(sys.platform, _SECRET_SERVICE):
        module, _, class_name = name.partition(":")
        try:
            backend = getattr(importlib.import_module(module), class_name)
            priority = backend.priority
        except Exception:  # noqa: BLE001, S112 - it says so in its own way: not on this system
            continue
        if priority >= 1:
            found.append((priority, backend()))
    return [backend for _, backend in sorted(found, key=lambda pair: pair[0], reverse=True)]


class KeyFile:
    """`data/vault.key`: the data keys in clear, readable for this user only. Better than plaintext, and said so."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> tuple[HeldKey, ...]:
        """Return the keys, the current one last. Raises BadFileError, or OSError (FileNotFoundError: no file)."""
        content = read_json(self.path)
        try:
            return tuple(HeldKey.from_json(item) for item in content["keys"])
        except (KeyError, TypeError, ValueError) as error:
            raise BadFileError(self.path.name, "is not a key file") from error

    def write(self, keys: Sequence[HeldKey]) -> None:
        """Replace the file, private before it has content; no .bak, so that a dropped key is gone. Raises OSError."""
        content = {
            "format": 1,
            "what": "The key to the secrets of this folder. Whoever has both can read them.",
            "keys": [key.as_json() for key in keys],
        }
        write_json(self.path, content, backup=False)

    def remove(self) -> None:
        """Overwrite the keys, then delete the file. Raises OSError."""
        try:
            size = self.path.stat().st_size
        except FileNotFoundError:
            return
        with open(self.path, "r+b", buffering=0) as file:
            file.write(bytes(size))
            os.fsync(file.fileno())
        self.path.unlink()


class PassphraseFileError(Exception):
    """The file that CTS_PASSPHRASE_FILE names gives no passphrase; the sentence says why."""


def passphrase_from_file(environment: Mapping[str, str]) -> Secret | None:
    """Return what the file named by CTS_PASSPHRASE_FILE holds, without its last line end; None: none is named.

    Raises PassphraseFileError where one is named and cannot be used.
    """
    name = environment.get("CTS_PASSPHRASE_FILE", "")
    if not name:
        return None
    try:
        # Resolved: containers hand out their secrets as links.
        text = read_capped(Path(name).resolve(), _PASSPHRASE_LIMIT).decode("utf-8-sig").rstrip("\r\n")
    except OSError as error:
        raise PassphraseFileError(f"The passphrase file {name} cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise PassphraseFileError(f"The passphrase file {name} is not UTF-8 text.") from None
    except BadFileError as error:
        raise PassphraseFileError(f"The passphrase file {name} {error.why}.") from None
    if not text:
        raise PassphraseFileError(f"The passphrase file {name} is empty.")
    return Secret(text)


def exposed_passphrase_file(environment: Mapping[str, str]) -> str:
    """Say that every user of this computer may read the passphrase; "" where that is not so, or cannot be told."""
    name = environment.get("CTS_PASSPHRASE_FILE", "")
    # Windows has no such bits; its files are as private as their folder.
    if not name or os.name == "nt":
        return ""
    try:
        mode = Path(name).stat().st_mode
    except OSError:
        return ""
    if not mode & (stat.S_IROTH | stat.S_IWOTH):
        return ""
    return f"the passphrase file is open to every user (mode {stat.S_IMODE(mode):04o}): chmod 600 {name}"
