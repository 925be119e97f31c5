"""F57: no keyring, one that swallows, refuses, is locked, never answers, loses its entry. Nothing ends in clear."""

import threading
import time
from pathlib import Path

import pytest
from keyring.backend import KeyringBackend

from models.problem import Category, VaultError
from models.secret import Secret
from storage.data_folder import DataFolder
from storage.key_holders import SystemKeyring, real_backends
from storage.vault import Vault
from tests.canary import canaries_under, make_canary
from tests.keyrings import FileKeyring, LockedKeyring, RefusingKeyring, StuckKeyring, SwallowingKeyring, only

ID = "0b5cc6a1-6d4c-4b8e-9f2c-1f8f0e6f2a11"


def open_vault(root: Path, keyring: SystemKeyring, passphrase: str | None = None) -> Vault:
    ask = None if passphrase is None else lambda: Secret(passphrase)
    return Vault.open(DataFolder(root), passphrase=ask, environment={}, writable=True, keyring=keyring)


@pytest.mark.parametrize("kind", [SwallowingKeyring, RefusingKeyring, LockedKeyring])
def test_keyring_that_does_not_keep_the_key_is_not_used(tmp_path: Path, kind: type[FileKeyring]) -> None:
    vault = open_vault(tmp_path, only(kind(tmp_path / "keyring")), "passphrase")
    assert vault.status.sentence == "passphrase"
    token = vault.seal(ID, "a", Secret("s"))
    assert open_vault(tmp_path, only(), "passphrase").open_secret(ID, "a", token) == Secret("s")


def test_next_keyring_is_tried(tmp_path: Path) -> None:
    good = FileKeyring(tmp_path / "good")
    vault = open_vault(tmp_path, only(RefusingKeyring(tmp_path / "bad"), good))
    assert vault.status.sentence == "system keyring"
    assert len(good.entries()) == 1


def test_keyring_that_never_answers_holds_nothing_up_for_longer_than_the_deadline(tmp_path: Path) -> None:
    stuck = StuckKeyring(tmp_path / "keyring")
    start = time.monotonic()
    vault = open_vault(tmp_path, only(stuck, deadline=0.2))
    assert time.monotonic() - start < 10
    assert vault.status.sentence == "key beside the data"
    assert all(thread.daemon for thread in threading.enumerate() if thread.name == "keyring")
    stuck.release.set()


def test_keyring_that_gets_stuck_later_locks_the_secrets_and_says_so_once(tmp_path: Path) -> None:
    token = open_vault(tmp_path, only(FileKeyring(tmp_path / "keyring"))).seal(ID, "a", Secret("s"))
    stuck = StuckKeyring(tmp_path / "keyring")
    vault = open_vault(tmp_path, only(stuck, deadline=0.2))
    assert vault.status.sentence == "system keyring"
    start = time.monotonic()
    for _ in range(100):
        with pytest.raises(VaultError) as error:
            vault.open_secret(ID, "a", token)
        assert error.value.problem.category is Category.LOCKED
    assert time.monotonic() - start < 10
    assert vault.status.sentence == "locked"
    assert "did not answer" in str(vault.problem)
    assert not (tmp_path / "vault.key").exists()
    stuck.release.set()


def test_status_answers_while_the_keyring_is_stuck(tmp_path: Path) -> None:
    token = open_vault(tmp_path, only(FileKeyring(tmp_path / "keyring"))).seal(ID, "a", Secret("s"))
    stuck = StuckKeyring(tmp_path / "keyring")
    vault = open_vault(tmp_path, only(stuck, deadline=30))
    opened: list[Secret] = []
    thread = threading.Thread(target=lambda: opened.append(vault.open_secret(ID, "a", token)))
    thread.start()
    assert vault.status.holder == "keyring"
    assert opened == []
    stuck.release.set()
    thread.join(30)
    assert opened == [Secret("s")]


def test_keyring_that_dies_in_mid_session_changes_nothing_for_this_session(tmp_path: Path) -> None:
    backends: list[KeyringBackend] = [FileKeyring(tmp_path / "keyring")]
    vault = open_vault(tmp_path, SystemKeyring({}, backends=lambda: backends))
    token = vault.seal(ID, "a", Secret("s"))
    backends.clear()
    assert vault.open_secret(ID, "a", token) == Secret("s")
    assert open_vault(tmp_path, SystemKeyring({}, backends=lambda: backends)).load().sentence == "locked"


def test_deleted_entry_is_locked_and_comes_back_with_the_passphrase(tmp_path: Path) -> None:
    backend = FileKeyring(tmp_path / "keyring")
    vault = open_vault(tmp_path, only(backend))
    token = vault.seal(ID, "a", Secret("s"))
    vault.set_passphrase(Secret("p"))
    backend.path.unlink()
    vault = open_vault(tmp_path, only(backend))
    with pytest.raises(VaultError) as error:
        vault.open_secret(ID, "a", token)
    assert error.value.problem.category is Category.LOCKED
    vault.unlock(Secret("p"))
    assert vault.open_secret(ID, "a", token) == Secret("s")
    assert open_vault(tmp_path, only(backend)).open_secret(ID, "a", token) == Secret("s")


def test_deleted_entry_without_a_passphrase_is_never_replaced_by_a_new_key_of_the_same_vault(tmp_path: Path) -> None:
    backend = FileKeyring(tmp_path / "keyring")
    token = open_vault(tmp_path, only(backend)).seal(ID, "a", Secret("s"))
    entries = backend.path.read_bytes()
    backend.path.unlink()
    vault = open_vault(tmp_path, only(backend))
    for call in (lambda: vault.open_secret(ID, "a", token), lambda: vault.seal(ID, "a", Secret("n"))):
        with pytest.raises(VaultError, match="no longer holds"):
            call()
    assert not (tmp_path / "vault.key").exists()
    backend.path.write_bytes(entries)
    assert open_vault(tmp_path, only(backend)).open_secret(ID, "a", token) == Secret("s")


@pytest.mark.parametrize("entry", ["", "garbage", "{}", '{"vault": "v", "key": "k", "data_key": "QUJD"}'])
def test_garbage_in_the_entry_is_locked(tmp_path: Path, entry: str) -> None:
    backend = FileKeyring(tmp_path / "keyring")
    vault = open_vault(tmp_path, only(backend))
    token = vault.seal(ID, "a", Secret("s"))
    backend.set_password("CTS Connections", vault.key_ids[-1], entry)
    with pytest.raises(VaultError) as error:
        open_vault(tmp_path, only(backend)).open_secret(ID, "a", token)
    assert error.value.problem.category is Category.LOCKED


class EnvironmentsChoice(FileKeyring):
    """What an attacker's environment variable would name: it would work, and must not be used."""


@pytest.mark.parametrize(
    "name", ["keyring.backends.null.Keyring", "keyring.backends.fail.Keyring", f"{__name__}.EnvironmentsChoice"]
)
def test_class_named_by_the_environment_is_not_used(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", name)
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    environment = {"PYTHON_KEYRING_BACKEND": name, "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent"}
    assert not any(type(backend).__module__ == __name__ for backend in real_backends())
    assert not any(
        "null" in type(backend).__module__ or "fail" in type(backend).__module__ for backend in real_backends()
    )
    vault = open_vault(tmp_path, SystemKeyring(environment))
    assert vault.status.sentence == "key beside the data"


def test_switched_off_keyring_is_not_even_asked(tmp_path: Path) -> None:
    backend = FileKeyring(tmp_path / "keyring")
    off = SystemKeyring({"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}, backends=lambda: [backend])
    assert not off.may_exist()
    assert open_vault(tmp_path, off).status.holder == "file"
    assert backend.entries() == {}


def test_nothing_is_in_clear_whatever_the_keyring_does(tmp_path: Path) -> None:
    canary = make_canary()
    for number, kind in enumerate((FileKeyring, SwallowingKeyring, RefusingKeyring, LockedKeyring)):
        root = tmp_path / str(number)
        root.mkdir()
        vault = open_vault(root, only(kind(tmp_path / f"keyring-{number}")))
        (root / "token").write_text(vault.seal(ID, "a", Secret(canary)))
    assert canaries_under(tmp_path, [canary]) == []
