"""F28 and F02 for the vault: a full disk, or any file call that fails, changes nothing and loses no key."""

import errno
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from models.problem import Category, Problem, VaultError
from models.secret import Secret
from storage.atomic_file import FileCalls
from storage.data_folder import DataFolder
from storage.vault import Vault
from tests.cheap_passphrases import make_cheap
from tests.faults.real_faults import own_disk
from tests.keyrings import FileKeyring, only

ID = "0b5cc6a1-6d4c-4b8e-9f2c-1f8f0e6f2a11"


@pytest.fixture(autouse=True)
def _cheap_passphrases(monkeypatch: pytest.MonkeyPatch) -> None:
    make_cheap(monkeypatch)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KiB."""
    with own_disk(tmp_path / "disk", "64k") as mounted:
        yield mounted


def fill(disk: Path) -> None:
    with suppress(OSError), open(disk / "filler", "wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)


def open_vault(root: Path, passphrase: str | None = None) -> Vault:
    ask = None if passphrase is None else lambda: Secret(passphrase)
    return Vault.open(DataFolder(root), passphrase=ask, environment={}, writable=True, keyring=only())


def problem_of(vault: Vault) -> Problem | None:
    return vault.problem


@pytest.mark.parametrize("passphrase", [None, "correct horse"])
def test_first_run_on_a_full_disk(disk: Path, passphrase: str | None) -> None:
    fill(disk)
    vault = open_vault(disk, passphrase)
    assert vault.status == ("none", True, "locked")
    assert vault.problem is not None
    assert vault.problem.category is Category.NOT_WRITABLE
    assert [path.name for path in disk.iterdir()] == ["filler"]
    with pytest.raises(VaultError):
        vault.seal(ID, "a", Secret("s"))
    (disk / "filler").unlink()
    token = vault.seal(ID, "a", Secret("s"))
    assert problem_of(vault) is None
    assert open_vault(disk, passphrase).open_secret(ID, "a", token) == Secret("s")


def test_first_run_on_a_full_disk_leaves_nothing_in_the_keyring(disk: Path, tmp_path: Path) -> None:
    backend = FileKeyring(tmp_path / "keyring")
    fill(disk)
    vault = Vault.open(DataFolder(disk), passphrase=None, environment={}, writable=True, keyring=only(backend))
    assert vault.status.locked
    assert backend.entries() == {}


def test_changes_on_a_full_disk_change_nothing(disk: Path) -> None:
    vault = open_vault(disk, "old passphrase")
    token = vault.seal(ID, "a", Secret("s"))
    fill(disk)
    changes = (
        lambda: vault.set_passphrase(Secret("new passphrase")),
        vault.make_recovery_key,
        vault.begin_rotation,
        lambda: vault.hold_by("file"),
    )
    for change in changes:
        with pytest.raises(VaultError) as error:
            change()
        assert error.value.problem.category is Category.NOT_WRITABLE
    assert vault.open_secret(ID, "a", vault.seal(ID, "a", Secret("t"))) == Secret("t")
    assert len(vault.key_ids) == 1
    (disk / "filler").unlink()
    # What the failed changes left in memory must not go into the next one.
    vault.begin_rotation()
    new = vault.renew(ID, "a", token)
    again = open_vault(disk, "old passphrase")
    assert again.open_secret(ID, "a", token) == Secret("s")
    assert again.open_secret(ID, "a", new) == Secret("s")
    assert not (disk / "vault.key").exists()


CHANGES: dict[str, Callable[[Vault], object]] = {
    "passphrase": lambda vault: vault.set_passphrase(Secret("passphrase")),
    "recovery key": lambda vault: vault.make_recovery_key(),
    "rotation": lambda vault: vault.begin_rotation(),
}


def fail_from(monkeypatch: pytest.MonkeyPatch, first: int, last: int) -> list[str]:
    """Make the file calls numbered `first` to `last` fail; return the list into which the failed ones go."""
    failed: list[str] = []
    count = 0

    def failing(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            nonlocal count
            count += 1
            if first <= count <= last:
                failed.append(name)
                raise OSError(errno.EIO, "injected")
            return real(*arguments)

        return call

    for name in ("create", "write", "fsync", "link", "replace", "fsync_folder"):
        monkeypatch.setattr(FileCalls, name, failing(name, getattr(FileCalls, name)))
    return failed


@pytest.mark.parametrize("once", [True, False])
@pytest.mark.parametrize("change", CHANGES)
def test_any_file_call_that_fails_loses_no_key(
    tmp_path: Path, change: str, once: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 100):
        root = tmp_path / str(number)
        root.mkdir()
        vault = open_vault(root)
        token = vault.seal(ID, "a", Secret("s"))
        with monkeypatch.context() as patch:
            failed = fail_from(patch, number, number if once else 1_000)
            with suppress(VaultError):
                CHANGES[change](vault)
        # The program goes on with the vault that it has, and the next start finds the same one.
        later = vault.seal(ID, "a", Secret("t"))
        again = open_vault(root, "passphrase")
        assert again.open_secret(ID, "a", token) == Secret("s")
        assert again.open_secret(ID, "a", later) == Secret("t")
        if not failed:
            break
    assert number > 6
