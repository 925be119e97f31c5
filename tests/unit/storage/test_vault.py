"""The vault: seal and open, who holds the key, passphrase, recovery key, rotation."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from models.problem import Category, VaultError
from models.secret import SealedSecret, Secret
from storage.data_folder import DataFolder
from storage.key_holders import SystemKeyring
from storage.key_sources import AskPassphrase
from storage.vault import Vault
from tests.canary import canaries_under, make_canary
from tests.cheap_passphrases import make_cheap
from tests.keyrings import FileKeyring, only

ID = "0b5cc6a1-6d4c-4b8e-9f2c-1f8f0e6f2a11"
OTHER = "7f0d8f9e-3b1c-4a9e-8c56-0a3f6d1f2b22"
ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _cheap_passphrases(monkeypatch: pytest.MonkeyPatch) -> None:
    make_cheap(monkeypatch)


def open_vault(
    root: Path,
    *,
    passphrase: AskPassphrase | None = None,
    keyring: SystemKeyring | None = None,
    environment: dict[str, str] | None = None,
    writable: bool = True,
    temporary: bool = False,
) -> Vault:
    folder = DataFolder(root, temporary=temporary)
    return Vault.open(
        folder, passphrase=passphrase, environment=environment or {}, writable=writable, keyring=keyring or only()
    )


def passphrase_file(folder: Path, text: str) -> dict[str, str]:
    path = folder / "passphrase"
    path.write_text(text + "\n")
    return {"CTS_PASSPHRASE_FILE": str(path)}


def category(error: pytest.ExceptionInfo[VaultError]) -> Category:
    return error.value.problem.category


@pytest.mark.parametrize("text", ["", "a", "ключ 🔑", 'q"\\\n', "x" * 4096, "\ud800"])
def test_what_is_sealed_opens_again(tmp_path: Path, text: str) -> None:
    token = open_vault(tmp_path).seal(ID, "api_secret", Secret(text))
    assert open_vault(tmp_path).open_secret(ID, "api_secret", token).reveal() == text


def test_two_tokens_of_one_secret_differ(tmp_path: Path) -> None:
    vault = open_vault(tmp_path)
    tokens = {str(vault.seal(ID, "api_key", Secret("same"))) for _ in range(50)}
    assert len(tokens) == 50


def test_no_holder_leaves_the_key_beside_the_data_and_says_so(tmp_path: Path) -> None:
    vault = open_vault(tmp_path)
    assert vault.status == ("file", False, "key beside the data")
    assert (tmp_path / "vault.key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "vault.json").stat().st_mode & 0o777 == 0o600


def test_keyring_comes_first(tmp_path: Path) -> None:
    keyring = only(FileKeyring(tmp_path / "keyring"))
    token = open_vault(tmp_path, keyring=keyring, passphrase=lambda: Secret("not asked")).seal(ID, "a", Secret("s"))
    vault = open_vault(tmp_path, keyring=keyring)
    assert vault.status == ("keyring", False, "system keyring")
    assert vault.open_secret(ID, "a", token) == Secret("s")
    assert not (tmp_path / "vault.key").exists()


def test_a_temporary_folder_leaves_nothing_in_the_keyring(tmp_path: Path) -> None:
    backend = FileKeyring(tmp_path / "keyring")
    assert open_vault(tmp_path, keyring=only(backend), temporary=True).status.holder == "file"
    assert backend.entries() == {}


def test_passphrase_is_asked_for_where_there_is_no_keyring(tmp_path: Path) -> None:
    token = open_vault(tmp_path, passphrase=lambda: Secret("correct horse")).seal(ID, "a", Secret("s"))
    asked: list[int] = []

    def ask() -> Secret:
        asked.append(1)
        return Secret("correct horse")

    vault = open_vault(tmp_path, passphrase=ask)
    assert vault.status == ("passphrase", False, "passphrase")
    assert asked == []
    assert vault.open_secret(ID, "a", token) == Secret("s")
    assert vault.open_secret(ID, "a", token) == Secret("s")
    assert asked == [1]


def test_passphrase_file_makes_and_opens(tmp_path: Path) -> None:
    environment = passphrase_file(tmp_path, "correct horse")
    token = open_vault(tmp_path, environment=environment).seal(ID, "a", Secret("s"))
    vault = open_vault(tmp_path, environment=environment)
    assert vault.status == ("passphrase", False, "passphrase")
    assert vault.open_secret(ID, "a", token) == Secret("s")
    locked = open_vault(tmp_path)
    assert locked.status == ("passphrase", True, "locked")


def test_passphrase_file_may_be_a_link(tmp_path: Path) -> None:
    passphrase_file(tmp_path, "correct horse")
    (tmp_path / "link").symlink_to(tmp_path / "passphrase")
    assert open_vault(tmp_path, environment={"CTS_PASSPHRASE_FILE": str(tmp_path / "link")}).load().locked is False


@pytest.mark.parametrize("content", [None, b"", b"\n", b"\xff\xfe", b"x" * 5000])
def test_a_passphrase_file_that_cannot_be_used_is_not_replaced_by_something_weaker(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "passphrase"
    if content is not None:
        path.write_bytes(content)
    vault = open_vault(tmp_path, environment={"CTS_PASSPHRASE_FILE": str(path)})
    assert vault.status == ("none", True, "locked")
    assert vault.problem is not None
    assert str(path) in vault.problem.text
    assert not (tmp_path / "vault.key").exists()
    path.write_text("now it is good")
    assert vault.seal(ID, "a", Secret("s"))
    assert vault.status.sentence == "passphrase"


def test_declined_question_is_not_asked_again_for_every_secret(tmp_path: Path) -> None:
    token = open_vault(tmp_path, passphrase=lambda: Secret("p")).seal(ID, "a", Secret("s"))
    asked: list[int] = []
    vault = open_vault(tmp_path, passphrase=lambda: asked.append(1))
    for _ in range(20):
        with pytest.raises(VaultError) as error:
            vault.open_secret(ID, "a", token)
        assert category(error) is Category.LOCKED
    assert asked == [1]
    assert vault.status.sentence == "locked"
    vault.unlock(Secret("p"))
    assert vault.status == ("passphrase", False, "passphrase")
    assert vault.open_secret(ID, "a", token) == Secret("s")


def test_duplicate_binds_the_secret_to_the_new_connection(tmp_path: Path) -> None:
    vault = open_vault(tmp_path)
    token = vault.seal(ID, "api_key", Secret("s"))
    copy = vault.reseal(ID, OTHER, "api_key", token)
    assert vault.open_secret(OTHER, "api_key", copy) == Secret("s")
    with pytest.raises(VaultError):
        vault.open_secret(ID, "api_key", copy)


def test_setting_a_passphrase_moves_the_key_away_from_the_data(tmp_path: Path) -> None:
    vault = open_vault(tmp_path)
    token = vault.seal(ID, "a", Secret("s"))
    vault.set_passphrase(Secret("first"))
    assert vault.status.sentence == "passphrase"
    assert not (tmp_path / "vault.key").exists()
    vault.set_passphrase(Secret("second"))
    for copy in ("vault.json", "vault.json.bak"):
        (tmp_path / copy).replace(tmp_path / "vault.json")
        again = open_vault(tmp_path, writable=False)
        with pytest.raises(VaultError):
            again.unlock(Secret("first"))
        again.unlock(Secret("second"))
        assert again.open_secret(ID, "a", token) == Secret("s")


def test_empty_passphrase_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VaultError) as error:
        open_vault(tmp_path).set_passphrase(Secret(""))
    assert category(error) is Category.INVALID


def test_recovery_key_opens_however_it_is_typed(tmp_path: Path) -> None:
    vault = open_vault(tmp_path, passphrase=lambda: Secret("forgotten"))
    token = vault.seal(ID, "a", Secret("s"))
    first = vault.make_recovery_key()
    key = vault.make_recovery_key().reveal()
    assert len(key.replace("-", "")) == 26
    assert not canaries_under(tmp_path, [key, key.replace("-", "")])
    for typed in (key, key.lower(), key.replace("-", " "), key.replace("O", "0").replace("I", "1").replace("B", "8")):
        again = open_vault(tmp_path)
        again.unlock_with_recovery_key(Secret(typed))
        assert again.open_secret(ID, "a", token) == Secret("s")
    with pytest.raises(VaultError):
        open_vault(tmp_path).unlock_with_recovery_key(first)


def test_key_moves_between_holders(tmp_path: Path) -> None:
    backend = FileKeyring(tmp_path / "keyring")
    vault = open_vault(tmp_path)
    token = vault.seal(ID, "a", Secret("s"))
    vault = open_vault(tmp_path, keyring=only(backend))
    assert vault.status.sentence == "key beside the data"
    vault.hold_by("keyring")
    assert not (tmp_path / "vault.key").exists()
    assert open_vault(tmp_path, keyring=only(backend)).open_secret(ID, "a", token) == Secret("s")
    with pytest.raises(VaultError, match="no passphrase"):
        vault.hold_by("passphrase")
    vault.set_passphrase(Secret("p"))
    assert vault.status.sentence == "system keyring"
    vault.hold_by("passphrase")
    assert backend.entries() == {}
    assert open_vault(tmp_path, passphrase=lambda: Secret("p")).open_secret(ID, "a", token) == Secret("s")


def test_a_key_that_is_not_taken_stays_where_it_is(tmp_path: Path) -> None:
    vault = open_vault(tmp_path)
    token = vault.seal(ID, "a", Secret("s"))
    with pytest.raises(VaultError) as error:
        vault.hold_by("keyring")
    assert category(error) is Category.KEYRING
    assert open_vault(tmp_path).open_secret(ID, "a", token) == Secret("s")


@pytest.mark.parametrize("holder", ["file", "keyring", "passphrase"])
def test_rotation_keeps_both_keys_until_it_is_finished(tmp_path: Path, holder: str) -> None:
    keyring = only(FileKeyring(tmp_path / "keyring")) if holder == "keyring" else only()
    ask = (lambda: Secret("p")) if holder == "passphrase" else None
    vault = open_vault(tmp_path, keyring=keyring, passphrase=ask)
    assert vault.status.holder == holder
    old = vault.seal(ID, "a", Secret("s"))
    recovery = vault.make_recovery_key()
    old_id = vault.key_ids[-1]
    rotation = vault.begin_rotation(Secret("p"))
    assert vault.key_ids == (old_id, rotation.key_id)
    vault = open_vault(tmp_path, keyring=keyring, passphrase=ask)
    assert vault.open_secret(ID, "a", old) == Secret("s")
    new = vault.renew(ID, "a", old)
    assert new.split(".")[1] == rotation.key_id
    assert vault.renew(ID, "a", new) is new
    assert vault.finish_rotation({old_id, rotation.key_id}) == ()
    assert vault.finish_rotation({rotation.key_id}) == (old_id,)
    vault = open_vault(tmp_path, keyring=keyring, passphrase=ask)
    assert vault.open_secret(ID, "a", new) == Secret("s")
    with pytest.raises(VaultError) as error:
        vault.open_secret(ID, "a", old)
    assert category(error) is Category.LOCKED
    by_recovery = open_vault(tmp_path)
    with pytest.raises(VaultError):
        by_recovery.unlock_with_recovery_key(recovery)
    assert rotation.recovery_key is not None
    by_recovery.unlock_with_recovery_key(rotation.recovery_key)
    assert by_recovery.open_secret(ID, "a", new) == Secret("s")


def test_read_only_folder_opens_and_seals_but_changes_nothing(tmp_path: Path) -> None:
    token = open_vault(tmp_path).seal(ID, "a", Secret("s"))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    vault = open_vault(tmp_path, writable=False)
    assert vault.open_secret(ID, "a", token) == Secret("s")
    with pytest.raises(VaultError) as error:
        vault.set_passphrase(Secret("p"))
    assert category(error) is Category.READ_ONLY
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_read_only_folder_without_a_vault_is_locked_until_another_program_makes_one(tmp_path: Path) -> None:
    vault = open_vault(tmp_path, writable=False)
    assert vault.status == ("none", True, "locked")
    with pytest.raises(VaultError) as error:
        vault.seal(ID, "a", Secret("s"))
    assert category(error) is Category.LOCKED
    assert list(tmp_path.iterdir()) == []
    token = open_vault(tmp_path).seal(ID, "a", Secret("s"))
    assert vault.open_secret(ID, "a", token) == Secret("s")


def test_lost_vault_file_is_rebuilt_from_the_key_file(tmp_path: Path) -> None:
    token = open_vault(tmp_path).seal(ID, "a", Secret("s"))
    for name in ("vault.json", "vault.json.bak"):
        (tmp_path / name).unlink()
    vault = open_vault(tmp_path)
    assert vault.open_secret(ID, "a", token) == Secret("s")
    assert (tmp_path / "vault.json").exists()


def test_lost_vault_file_is_made_up_for_by_the_keyring(tmp_path: Path) -> None:
    keyring = only(FileKeyring(tmp_path / "keyring"))
    token = open_vault(tmp_path, keyring=keyring).seal(ID, "a", Secret("s"))
    for name in ("vault.json", "vault.json.bak"):
        (tmp_path / name).unlink()
    vault = open_vault(tmp_path, keyring=keyring)
    assert vault.open_secret(ID, "a", token) == Secret("s")
    # Found once, it is known: also beside the new key that the vault was made with.
    again = open_vault(tmp_path, keyring=keyring)
    assert len(again.key_ids) == 2
    assert again.open_secret(ID, "a", token) == Secret("s")


def test_no_secret_and_no_passphrase_is_in_any_file(tmp_path: Path) -> None:
    canaries = [make_canary(), make_canary(awkward=True), make_canary()]
    vault = open_vault(tmp_path, passphrase=lambda: Secret(canaries[0]))
    tokens = [vault.seal(ID, "a", Secret(canary)) for canary in canaries]
    vault.set_passphrase(Secret(canaries[1]))
    (tmp_path / "tokens").write_text("\n".join(tokens))
    assert canaries_under(tmp_path, canaries) == []


def test_opening_and_asking_for_the_status_imports_neither_cryptography_nor_keyring(tmp_path: Path) -> None:
    open_vault(tmp_path)
    code = (
        "import sys; from pathlib import Path\n"
        "from storage.data_folder import DataFolder\n"
        "from storage.vault import Vault\n"
        "vault = Vault.open(DataFolder(Path(sys.argv[1])), passphrase=None, environment={}, writable=True)\n"
        "assert vault.status.sentence == 'key beside the data'\n"
        "print([name for name in ('cryptography', 'keyring', 'ctypes', 'peewee') if name in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code, str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, cwd=ROOT)
    assert result.stdout.strip() == "[]"


def test_not_a_token_is_damaged(tmp_path: Path) -> None:
    vault = open_vault(tmp_path)
    for text in ("", "plain", "cts1.", "cts1.abc.", "cts2.abc.QUJD", "cts1.abc.QUJ", "cts1.abc.QUJD\n", "cts1.ÀB.QUJD"):
        with pytest.raises(VaultError) as error:
            vault.open_secret(ID, "a", SealedSecret(text))
        assert category(error) is Category.DAMAGED_SECRET
