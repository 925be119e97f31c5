"""F53: secrets in messages, tracebacks, hooks, driver errors, a failing log disk. No byte of them anywhere."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.canary import canaries_in, canaries_under, make_canary
from tests.faults.real_faults import ROOT, own_disk

# One process does everything with secrets that a program does by mistake; each line is one mistake.
_MISTAKES = """
import json, logging, pickle, sqlite3, sys, threading, traceback, warnings
from pathlib import Path
from models.connection import Connection
from models.secret import Secret
from services.log import LogView
from storage.data_folder import DataFolder
from storage.vault import Vault

root, values = Path(sys.argv[1]), json.loads(sys.stdin.read())
view = LogView()
view.set_up(root / "logs")
view.set_level("DEBUG")
log = logging.getLogger("services.mistakes")
secrets = [Secret(value) for value in values]
vault = Vault.open(DataFolder(root), passphrase=None, environment={}, writable=True)

class Holder:
    def __init__(self, value):
        self.value = value
    def __repr__(self):
        return f"Holder(api_secret={self.value!r})"
    def __del__(self):
        raise ValueError(f"cleaning up {self.value}")

for secret in secrets:
    value = secret.reveal()
    token = vault.seal("0b5cc6a1-6d4c-4b8e-9f2c-1f8f0e6f2a11", "api_secret", secret)
    assert vault.open_secret("0b5cc6a1-6d4c-4b8e-9f2c-1f8f0e6f2a11", "api_secret", token) == secret
    log.info("message %s %r %s", secret, secret, value)
    log.info("json %s", json.dumps({"api_secret": value, "token": token}))
    log.info("dict %s", {"api_key": value})
    log.debug(f"formatted {value}")
    log.info("url postgresql://desk:%s@db1/desk", value)
    log.info("too few %s %s", value)
    log.warning("stack", stack_info=True)
    try:
        raise RuntimeError(f"bad secret {value}", {"api_secret": value}) from KeyError(value)
    except RuntimeError:
        log.exception("exception")
    try:
        sqlite3.connect(":memory:").execute("SELECT * FROM t WHERE s = '" + value.replace("'", "''") + "' AND")
    except sqlite3.Error:
        log.exception("driver")
    try:
        pickle.dumps(secret)
    except TypeError:
        log.exception("pickle")
    logging.getLogger("peewee").debug(("INSERT", [value]))
    warnings.warn(f"warning {value}")
    thread = threading.Thread(target=lambda: (_ for _ in ()).throw(ValueError(value)), name=f"thread {value}")
    thread.start()
    thread.join()
    holder = Holder(value)
    del holder
import peewee, psycopg2
database = peewee.SqliteDatabase(":memory:")
for secret in secrets:
    database.execute_sql("SELECT ?", (secret.reveal(),)).fetchall()
    try:
        psycopg2.connect(f"postgresql://desk:{secret.reveal()}@127.0.0.1:1/desk", connect_timeout=1)
    except Exception:  # whatever it says is what may hold the secret
        log.exception("connect")
assert len(view.lines()) > 20
for line in view.lines():
    print(line.number, line.level, line.source, line.text)
raise SystemError(f"nobody caught {secrets[-1].reveal()}")
"""


def run_mistakes(folder: Path, canaries: list[str]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-X", "utf8", "-c", _MISTAKES, str(folder)],
        input=json.dumps(canaries).encode(),
        capture_output=True,
        check=False,
        timeout=120,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder)},
    )


def test_no_mistake_lets_a_secret_out(tmp_path: Path) -> None:
    canaries = [make_canary(), make_canary(awkward=True), make_canary()]
    result = run_mistakes(tmp_path, canaries)
    assert b"SystemError" in result.stderr, result.stderr.decode()
    assert result.returncode == 1
    assert canaries_in(result.stdout, canaries, where="standard output") == []
    assert canaries_in(result.stderr, canaries, where="standard error") == []
    assert canaries_under(tmp_path, canaries) == []
    content = (tmp_path / "logs" / "cts.log").read_text()
    for word in ("exception", "driver", "pickle", "warning", "stack", "connect", "in thread", "SystemError", "***"):
        assert word in content


def test_full_log_disk_lets_no_secret_out_and_stops_nothing(tmp_path: Path) -> None:
    canaries = [make_canary(), make_canary(awkward=True)]
    folder = tmp_path / "disk"
    with own_disk(folder, "64k"):
        first = "for secret in secrets:\n    value"
        code = _MISTAKES.replace(first, f'log.info("y" * 100_000)\n{first}', 1)
        result = subprocess.run(
            [sys.executable, "-X", "utf8", "-c", code, str(folder)],
            input=json.dumps(canaries).encode(),
            capture_output=True,
            check=False,
            timeout=120,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert b"SystemError" in result.stderr, result.stderr.decode()
        assert canaries_in(result.stdout + result.stderr, canaries) == []
        assert canaries_under(tmp_path, canaries) == []
        assert result.stdout.count(b"cannot be written") == 1
