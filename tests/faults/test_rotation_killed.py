"""F58: a passphrase change and a key rotation, killed at any moment. Both keys work until the rotation is finished."""

import json
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from models.secret import SealedSecret, Secret
from storage.data_folder import DataFolder
from storage.vault import Vault
from tests.cheap_passphrases import make_cheap
from tests.faults.real_faults import child
from tests.keyrings import only

ID = "0b5cc6a1-6d4c-4b8e-9f2c-1f8f0e6f2a11"
FIELDS = [f"field-{number}" for number in range(12)]

# Rotates for ever: new key, every token renewed with an atomic file each, old key dropped. Speaks when it has begun.
_ROTATE = """
import sys
from pathlib import Path
from models.secret import SealedSecret, Secret
from storage.atomic_file import write_atomic
from storage.data_folder import DataFolder
from storage.vault import Vault
root, connection, passphrase = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
ask = (lambda: Secret(passphrase)) if passphrase else None
vault = Vault.open(DataFolder(root), passphrase=ask, environment={}, writable=True)
vault.load()
print("ready", flush=True)
while True:
    vault.begin_rotation()
    used = set()
    for path in sorted((root / "tokens").iterdir()):
        if path.suffix == ".token":
            token = vault.renew(connection, path.stem, SealedSecret(path.read_text()))
            write_atomic(path, token.encode(), backup=False)
            used.add(token.split(".")[1])
    vault.finish_rotation(used)
"""

_CHANGE_PASSPHRASE = """
import sys
from pathlib import Path
from models.secret import Secret
from storage.data_folder import DataFolder
from storage.vault import Vault
vault = Vault.open(DataFolder(Path(sys.argv[1])), passphrase=lambda: Secret("pass 0"), environment={}, writable=True)
vault.load()
print("ready", flush=True)
number = 0
while True:
    number += 1
    vault.set_passphrase(Secret(f"pass {number}"))
    print(number, flush=True)
"""


def open_vault(root: Path, passphrase: str) -> Vault:
    ask = (lambda: Secret(passphrase)) if passphrase else None
    return Vault.open(DataFolder(root), passphrase=ask, environment={}, writable=True, keyring=only())


def killed_after(seconds: float, command: list[str]) -> str:
    """Run the command, kill it that long after it said ready, and return everything it said."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    first = process.stdout.readline()
    time.sleep(seconds)
    process.kill()
    output, errors = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL, errors
    return first + output


@pytest.mark.parametrize("passphrase", ["", "correct horse"])
def test_rotation_killed_half_way(tmp_path: Path, passphrase: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # The children stretch the passphrase as vault.json says, and a rotation does not stretch it anew.
    make_cheap(monkeypatch)
    folder = tmp_path / "tokens"
    folder.mkdir()
    vault = open_vault(tmp_path, passphrase)
    for field in FIELDS:
        (folder / f"{field}.token").write_text(vault.seal(ID, field, Secret(f"secret of {field}")))
    chance = random.Random(56)
    half_way = 0
    for _ in range(12):
        killed_after(chance.uniform(0, 0.08), child(_ROTATE, tmp_path, ID, passphrase))
        vault = open_vault(tmp_path, passphrase)
        half_way += len(vault.key_ids) > 1
        for field in FIELDS:
            token = SealedSecret((folder / f"{field}.token").read_text())
            assert vault.open_secret(ID, field, token).reveal() == f"secret of {field}"
    assert half_way, "no kill came in the middle of a rotation"


def test_passphrase_change_killed_half_way(tmp_path: Path) -> None:
    token = open_vault(tmp_path, "pass 0").seal(ID, "a", Secret("s"))
    start = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    chance = random.Random(58)
    for _ in range(4):
        for name, content in start.items():
            (tmp_path / name).write_bytes(content)
        said = killed_after(chance.uniform(0, 1), child(_CHANGE_PASSPHRASE, tmp_path)).split()
        last = int(said[-1]) if said[-1] != "ready" else 0
        # The one that was announced last, or the next one that was being written: never none, never something else.
        opens = [number for number in (last, last + 1) if not open_vault(tmp_path, f"pass {number}").load().locked]
        assert len(opens) == 1
        vault = open_vault(tmp_path, f"pass {opens[0]}")
        assert vault.open_secret(ID, "a", token) == Secret("s")
        assert json.loads((tmp_path / "vault.json").read_bytes())["vault"]
        assert not (tmp_path / "quarantine").exists()
