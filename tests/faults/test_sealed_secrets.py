"""F56: tokens moved, cut, flipped; an unknown key, a wrong passphrase; damaged vault files. Each is told apart."""

import base64
import json
import random
from pathlib import Path

import pytest

from models.problem import Category, VaultError
from models.secret import SealedSecret, Secret
from storage.data_folder import DataFolder
from storage.vault import Vault
from tests.keyrings import only

ID = "0b5cc6a1-6d4c-4b8e-9f2c-1f8f0e6f2a11"
OTHER = "7f0d8f9e-3b1c-4a9e-8c56-0a3f6d1f2b22"


def open_vault(root: Path, passphrase: str | None = None, *, writable: bool = True) -> Vault:
    ask = None if passphrase is None else lambda: Secret(passphrase)
    return Vault.open(DataFolder(root), passphrase=ask, environment={}, writable=writable, keyring=only())


def refused(vault: Vault, connection: str, field: str, token: str) -> Category:
    with pytest.raises(VaultError) as error:
        vault.open_secret(connection, field, SealedSecret(token))
    assert len(token) < 12 or token not in str(error.value)
    return error.value.problem.category


def parts(token: str) -> tuple[str, str, bytes]:
    mark, key, text = token.split(".")
    return mark, key, base64.b64decode(text)


def joined(mark: str, key: str, sealed: bytes) -> str:
    return f"{mark}.{key}.{base64.b64encode(sealed).decode()}"


def test_token_moved_to_another_record_or_field(tmp_path: Path) -> None:
    vault = open_vault(tmp_path)
    token = vault.seal(ID, "api_key", Secret("value"))
    assert refused(vault, OTHER, "api_key", token) is Category.DAMAGED_SECRET
    assert refused(vault, ID, "api_secret", token) is Category.DAMAGED_SECRET
    assert refused(vault, ID + "api", "_key", token) is Category.DAMAGED_SECRET
    assert vault.open_secret(ID, "api_key", token) == Secret("value")


def test_every_flipped_bit_is_found(tmp_path: Path) -> None:
    vault = open_vault(tmp_path)
    mark, key, sealed = parts(vault.seal(ID, "api_key", Secret("value")))
    for bit in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[bit // 8] ^= 1 << bit % 8
        assert refused(vault, ID, "api_key", joined(mark, key, bytes(changed))) is Category.DAMAGED_SECRET


def test_every_cut_is_found(tmp_path: Path) -> None:
    vault = open_vault(tmp_path)
    token = vault.seal(ID, "api_key", Secret("value"))
    for length in range(len(token)):
        assert refused(vault, ID, "api_key", token[:length]) in {Category.DAMAGED_SECRET, Category.LOCKED}
    mark, key, sealed = parts(token)
    for length in range(len(sealed)):
        assert refused(vault, ID, "api_key", joined(mark, key, sealed[:length])) is Category.DAMAGED_SECRET


def test_unknown_key_id_locks_that_secret_only(tmp_path: Path) -> None:
    vault = open_vault(tmp_path)
    token = vault.seal(ID, "api_key", Secret("value"))
    mark, _, sealed = parts(token)
    assert refused(vault, ID, "api_key", joined(mark, "0123456789ab", sealed)) is Category.LOCKED
    assert vault.open_secret(ID, "api_key", token) == Secret("value")
    assert vault.status.locked is False


def test_token_of_another_vault_is_locked(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    token = open_vault(tmp_path / "one").seal(ID, "api_key", Secret("value"))
    assert refused(open_vault(tmp_path / "two"), ID, "api_key", token) is Category.LOCKED


def test_wrong_passphrase_is_locked_and_not_damage(tmp_path: Path) -> None:
    token = open_vault(tmp_path, "right").seal(ID, "api_key", Secret("value"))
    vault = open_vault(tmp_path, "wrong")
    assert refused(vault, ID, "api_key", token) is Category.LOCKED
    assert vault.status.sentence == "locked"
    with pytest.raises(VaultError, match="not its passphrase"):
        vault.unlock(Secret("also wrong"))
    assert not (tmp_path / "quarantine").exists()
    vault.unlock(Secret("right"))
    assert vault.open_secret(ID, "api_key", token) == Secret("value")


def test_wrong_passphrase_file_is_said(tmp_path: Path) -> None:
    open_vault(tmp_path, "right").seal(ID, "api_key", Secret("value"))
    wrong = tmp_path / "wrong"
    wrong.write_text("wrong\n")
    environment = {"CTS_PASSPHRASE_FILE": str(wrong)}
    vault = Vault.open(DataFolder(tmp_path), passphrase=None, environment=environment, writable=True, keyring=only())
    assert vault.load().sentence == "locked"
    assert vault.problem is not None
    assert "another passphrase" in vault.problem.text


def test_damaged_vault_file_is_told_from_a_wrong_passphrase_and_mended_from_its_copy(tmp_path: Path) -> None:
    token = open_vault(tmp_path, "right").seal(ID, "api_key", Secret("value"))
    whole = (tmp_path / "vault.json").read_bytes()
    at = whole.index(b'"passphrase": "') + 20
    changed = bytearray(whole)
    changed[at] = ord("A") if changed[at] != ord("A") else ord("B")
    (tmp_path / "vault.json").write_bytes(changed)
    vault = open_vault(tmp_path, "right")
    assert vault.problem is not None
    assert vault.problem.category is Category.BAD_FILE
    assert vault.open_secret(ID, "api_key", token) == Secret("value")
    assert (tmp_path / "vault.json").read_bytes() == whole
    assert [path.read_bytes() for path in (tmp_path / "quarantine").iterdir()] == [bytes(changed)]


@pytest.mark.parametrize("seed", range(30))
def test_any_damage_to_vault_json_is_survived(tmp_path: Path, seed: int) -> None:
    token = open_vault(tmp_path).seal(ID, "api_key", Secret("value"))
    chance = random.Random(seed)
    path = tmp_path / "vault.json"
    content = bytearray(path.read_bytes())
    match seed % 3:
        case 0:
            del content[chance.randrange(len(content)) :]
        case 1:
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        case _:
            content = bytearray(chance.randbytes(chance.randrange(2_000)))
    path.write_bytes(content)
    vault = open_vault(tmp_path)
    assert vault.open_secret(ID, "api_key", token) == Secret("value")
    assert vault.seal(ID, "api_key", Secret("next"))


def test_damage_to_both_copies_keeps_them_and_the_program_goes_on(tmp_path: Path) -> None:
    token = open_vault(tmp_path, "right").seal(ID, "api_key", Secret("value"))
    good = (tmp_path / "vault.json").read_bytes()
    for name in ("vault.json", "vault.json.bak"):
        (tmp_path / name).write_bytes(good[:-30])
    vault = open_vault(tmp_path, "right")
    assert vault.problem is not None
    assert vault.problem.category is Category.BAD_FILE
    assert refused(vault, ID, "api_key", token) is Category.LOCKED
    assert vault.seal(ID, "api_key", Secret("next"))
    assert len(list((tmp_path / "quarantine").iterdir())) == 2


def test_damage_in_a_read_only_folder_moves_nothing(tmp_path: Path) -> None:
    token = open_vault(tmp_path).seal(ID, "api_key", Secret("value"))
    (tmp_path / "vault.json").write_bytes(b"{")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    vault = open_vault(tmp_path, writable=False)
    assert vault.open_secret(ID, "api_key", token) == Secret("value")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    "change",
    [
        {"memory_kib": 2**31},
        {"passes": 10**6},
        {"lanes": 17},
        {"memory_kib": 1},
        {"salt": ""},
        {"name": "md5"},
        {"passes": "many"},
    ],
)
def test_a_vault_file_cannot_ask_for_all_memory(tmp_path: Path, change: dict[str, object]) -> None:
    from storage.vault_file import _checksum

    open_vault(tmp_path, "right")
    content = json.loads((tmp_path / "vault.json").read_text())
    content["kdf"]["passphrase"].update(change)
    del content["sha256"]
    content["sha256"] = _checksum(content)
    for name in ("vault.json", "vault.json.bak"):
        (tmp_path / name).write_text(json.dumps(content))
    vault = open_vault(tmp_path, writable=False)
    assert vault.status.locked
    assert vault.problem is not None
    assert vault.problem.category is Category.BAD_FILE


def test_alien_key_file_does_not_pass_for_the_vaults_own(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        token = open_vault(tmp_path / name).seal(ID, "api_key", Secret("value"))
    (tmp_path / "two" / "vault.key").write_bytes((tmp_path / "one" / "vault.key").read_bytes())
    vault = open_vault(tmp_path / "two")
    assert refused(vault, ID, "api_key", token) is Category.LOCKED
    assert vault.status.sentence == "locked"
