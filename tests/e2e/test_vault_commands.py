"""The vault by commands: passphrases come in by a file or a pipe, and are written nowhere."""

import json
from pathlib import Path

import pytest

from tests.canary import canaries_in, make_canary
from tests.e2e.program import Program

KEYS = {"api_key": "k" * 20, "api_secret": "s" * 20}
OKX = {"exchange": "okx", "api_passphrase": "pp12"}


def add(program: Program, name: str, code: int = 0) -> str:
    secret = make_canary()
    fields = {"name": name, **OKX, "api_key": secret, "api_secret": secret}
    program.run("connections", "add", stdin=json.dumps(fields), code=code)
    return secret


def opens(program: Program, name: str, secret: str) -> bool:
    return f"ends in {secret[-4:]}" in program.run("connections", "show", name).out


def test_a_passphrase_is_set_changed_and_needed(program: Program, tmp_path: Path) -> None:
    secret = add(program, "One")
    assert program.run("vault", "--json").json == {"holder": "file", "locked": False, "sentence": "key beside the data"}
    first, second = make_canary(written=True), make_canary(awkward=True, written=True)
    done = program.run("vault", "set-passphrase", "--json", stdin=first + "\n").json
    assert (done["holder"], done["locked"]) == ("passphrase", False)
    assert not (program.folder / "vault.key").exists()
    locked = program.run("vault", "status", "--json", code=1)
    assert locked.json["locked"] is True
    assert locked.problem["category"] == "LOCKED"
    assert program.names() == ["One"]
    assert not opens(program, "One", secret)
    file = tmp_path / "passphrase"
    file.write_text(first + "\n", encoding="utf-8")
    program.environment["CTS_PASSPHRASE_FILE"] = str(file)
    assert opens(program, "One", secret)
    new = tmp_path / "new"
    new.write_text(second, encoding="utf-8-sig")
    program.run("vault", "set-passphrase", "--file", str(new))
    assert not opens(program, "One", secret)
    file.write_text(second, encoding="utf-8")
    assert opens(program, "One", secret)
    two = add(program, "Two")
    assert canaries_in(program.everything_written(), [secret, two, first, second]) == []


@pytest.mark.parametrize("given", [b"", b"\n", b"short\n", b"two lines\nof words\n", b"\xff\xfe\x00", b"a\x00bcdefghi"])
def test_what_is_no_passphrase_is_refused(program: Program, given: bytes) -> None:
    program.run("vault", "set-passphrase", stdin=given, code=1)
    assert program.run("vault", "--json").json["holder"] == "file"


def test_a_passphrase_on_the_command_line_is_refused_and_not_repeated(program: Program) -> None:
    typed = make_canary()
    program.run("vault", "set-passphrase", typed, code=2)
    program.run("vault", "set-passphrase", f"--passphrase={typed}", code=2)
    assert canaries_in(program.everything_written(), [typed]) == []


def test_the_recovery_key_is_shown_once_after_asking(program: Program) -> None:
    asked = program.run("vault", "recovery-key", "--json", code=1)
    assert "--yes" in asked.problem["solution"]
    key = program.run("vault", "recovery-key", "--yes", "--json").json["recovery_key"]
    assert len(key) >= 26
    files = b"".join(path.read_bytes() for path in program.folder.rglob("*") if path.is_file())
    assert canaries_in(files, [key]) == []


def test_the_recovery_key_opens_the_vault_and_sets_a_new_passphrase(program: Program, tmp_path: Path) -> None:
    secret = add(program, "One")
    program.run("vault", "set-passphrase", stdin=make_canary(written=True) + "\n")
    program.run("vault", "recovery-key", "--yes", code=1)
    file = tmp_path / "passphrase"
    new = make_canary(written=True)
    file.write_text(new + "\n", encoding="utf-8")
    file.chmod(0o600)
    wrong = program.run("vault", "recover", "--passphrase-file", str(file), "--json", stdin="A" * 26 + "\n", code=1)
    assert wrong.problem["category"] == "LOCKED"
    assert "CTS_PASSPHRASE_FILE" not in wrong.problem["solution"]
    program.run("vault", "recover", stdin="A" * 26 + "\n", code=1)
    assert not opens(program, "One", secret)


def test_a_lost_passphrase_is_replaced_by_the_recovery_key(program: Program, tmp_path: Path) -> None:
    secret = add(program, "One")
    key = program.run("vault", "recovery-key", "--yes", "--json").json["recovery_key"]
    program.run("vault", "set-passphrase", stdin=make_canary(written=True) + "\n")
    file = tmp_path / "passphrase"
    file.write_text(make_canary(written=True) + "\n", encoding="utf-8")
    file.chmod(0o600)
    done = program.run("vault", "recover", "--passphrase-file", str(file), "--json", stdin=key + "\n").json
    assert (done["holder"], done["locked"]) == ("passphrase", False)
    program.environment["CTS_PASSPHRASE_FILE"] = str(file)
    assert opens(program, "One", secret)


def test_a_passphrase_file_that_everybody_can_read_is_told_in_the_start(program: Program, tmp_path: Path) -> None:
    file = tmp_path / "passphrase"
    file.write_text(make_canary(written=True) + "\n", encoding="utf-8")
    program.environment["CTS_PASSPHRASE_FILE"] = str(file)
    for mode, told in ((0o644, True), (0o640, False), (0o600, False)):
        file.chmod(mode)
        steps = {step["step"]: step for step in program.run("status", "--json").json["startup"]}
        assert ("open to every user (mode 0644)" in steps["vault"]["detail"]) is told
        assert steps["vault"]["ok"]


def test_the_holder_can_be_chosen(program: Program) -> None:
    assert program.run("vault", "hold-by", "passphrase", "--json", code=1).problem["category"] == "INVALID"
    assert program.run("vault", "hold-by", "nobody", code=2).out == ""
    assert program.run("vault", "hold-by", "file", "--json").json["holder"] == "file"


def test_every_secret_is_sealed_with_a_new_key_after_asking(program: Program) -> None:
    secrets = {name: add(program, name) for name in ("One", "Two")}
    before = json.loads((program.folder / "vault.json").read_bytes())["current"]
    assert "--yes" in program.run("vault", "rotate", "--json", code=1).problem["solution"]
    done = program.run("vault", "rotate", "--yes", "--json").json
    assert (done["connections"], done["failed"], done["recovery_key"]) == (2, 0, None)
    assert json.loads((program.folder / "vault.json").read_bytes())["current"] != before
    assert all(opens(program, name, secret) for name, secret in secrets.items())


def test_the_passphrase_goes_on_after_a_rotation(program: Program, tmp_path: Path) -> None:
    secret, passphrase = add(program, "One"), make_canary(written=True)
    file = tmp_path / "passphrase"
    file.write_text(passphrase, encoding="utf-8")
    program.run("vault", "set-passphrase", "--file", str(file))
    program.environment["CTS_PASSPHRASE_FILE"] = str(file)
    recovery = program.run("vault", "recovery-key", "--yes", "--json").json["recovery_key"]
    done = program.run("vault", "rotate", "--yes", "--file", str(file), "--json").json
    assert done["recovery_key"] not in {None, recovery}
    assert opens(program, "One", secret)


def test_a_vault_whose_key_is_lost_is_begun_anew_after_asking(program: Program, tmp_path: Path) -> None:
    first = add(program, "One")
    assert program.run("vault", "begin-anew", "--yes", "--json", code=1).problem["category"] == "INVALID"
    (program.folder / "vault.key").rename(tmp_path / "vault.key")
    refused = program.run(
        "connections", "add", "--json", stdin=json.dumps({"name": "Two", "exchange": "bybit"} | KEYS), code=1
    )
    assert "begin-anew" in refused.problem["solution"]
    assert "--yes" in program.run("vault", "begin-anew", "--json", code=1).problem["solution"]
    assert program.run("vault", "begin-anew", "--yes", "--json").json["locked"] is False
    second = add(program, "Two")
    assert opens(program, "Two", second)
    assert not opens(program, "One", first)
    assert "1 connection has secrets" in program.run("status").out
    # The old key turned up: what it sealed opens again beside what was sealed since.
    held = json.loads((tmp_path / "vault.key").read_bytes())["keys"]
    kept = json.loads((program.folder / "vault.key").read_bytes())
    (program.folder / "vault.key").write_text(json.dumps({**kept, "keys": held + kept["keys"]}))
    assert opens(program, "One", first)
    assert opens(program, "Two", second)
    assert "has secrets" not in program.run("status").out
    assert len([path for path in (program.folder / "quarantine").iterdir() if "vault" in path.name]) == 2
