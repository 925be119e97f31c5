"""Files in and out: nothing that is there is changed, nothing half comes in, no secret goes out."""

import json
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from models.connection_rules import validate
from models.problem import Category, CtsError, InputError
from models.secret import SealedSecret
from services.transfer import EXPORT_FORMAT, TransferService
from tests.canary import canaries_in, make_canary
from tests.fixtures.cts31 import Canaries, json_record, write
from tests.store_kit import Kit, open_kit


@pytest.fixture
def kit(tmp_path: Path) -> Iterator[Kit]:
    with open_kit(tmp_path / "data") as opened:
        yield opened


@pytest.fixture
def transfer(kit: Kit) -> TransferService:
    return TransferService(kit.connections, kit.vault)


def key_of(kit: Kit, name: str) -> str | None:
    connection = kit.connections.find(name)
    if not isinstance(connection.api_key, SealedSecret):
        return None
    return kit.vault.open_secret(connection.id, "api_key", connection.api_key).reveal()


def actions(transfer: TransferService, *paths: Path, dry: bool = False) -> list[tuple[str, str]]:
    found = transfer.preview(paths) if dry else transfer.apply(paths)
    return [(item.action, item.name) for item in found]


def test_an_export_comes_back_clean(kit: Kit, transfer: TransferService, tmp_path: Path) -> None:
    secret, stray = make_canary(awkward=True), make_canary(awkward=True, written=True)
    fields: dict[str, Any] = {
        "exchange": "okx",
        "api_key": secret,
        "api_secret": secret,
        "api_passphrase": secret,
        "tags": ["a", "b"],
        "note": "two\nlines",
        "color": "#112233",
        "leverage_limit": 5,
        "volume_factor": 2.5,
        "live_trade": True,
        "environment": "demo",
        "unknown": {"deep": [1, None, "ü"]},
    }
    kit.connections.add({"name": "🚀 ‚one‘", **fields})
    # No door of ours lets a secret in there, but plain SQL may have put one.
    one = kit.connections.find("🚀 ‚one‘")
    kit.store.repository.update(one, replace(one, extra={**one.extra, "webhookSecret": stray}))
    kit.connections.add({"name": "=cmd|' /C calc'!A0", "exchange": "bybit"})
    file = tmp_path / "out.json"
    assert transfer.export(file) == 2
    content = file.read_bytes()
    assert canaries_in(content, [secret, stray]) == []
    assert b"cts1." not in content
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(content)["format"] == EXPORT_FORMAT
    assert actions(transfer, file) == [("skip", "=cmd|' /C calc'!A0"), ("skip", "🚀 ‚one‘")]
    with open_kit(tmp_path / "other") as other:
        again = TransferService(other.connections, other.vault)
        assert actions(again, file, dry=True) == [("add", "=cmd|' /C calc'!A0"), ("add", "🚀 ‚one‘")]
        assert other.names() == []
        assert actions(again, file) == [("add", "=cmd|' /C calc'!A0"), ("add", "🚀 ‚one‘")]
        one, two = kit.connections.find("🚀 ‚one‘"), other.connections.find("🚀 ‚one‘")
        for name in ("id", "tags", "note", "color", "leverage_limit", "volume_factor", "live_trade", "environment"):
            assert getattr(one, name) == getattr(two, name)
        assert two.extra == {"unknown": {"deep": [1, None, "ü"]}}
        assert not two.api_key_set


def test_a_chosen_few_are_exported(kit: Kit, transfer: TransferService, tmp_path: Path) -> None:
    kit.add("One", "Two")
    assert transfer.export(tmp_path / "out.json", [kit.connections.find("Two").id]) == 1
    assert [each["name"] for each in json.loads((tmp_path / "out.json").read_bytes())["connections"]] == ["Two"]
    with pytest.raises(CtsError):
        transfer.export(tmp_path / "none.json", ["no such id"])
    assert not (tmp_path / "none.json").exists()


def test_what_cannot_be_written_is_said(kit: Kit, transfer: TransferService, tmp_path: Path) -> None:
    kit.add("One")
    with pytest.raises(CtsError):
        transfer.export(tmp_path / "no such folder" / "out.json")


@pytest.mark.parametrize("form", ["array", "object", "wrapped"])
def test_the_forms_of_cts(kit: Kit, transfer: TransferService, tmp_path: Path, form: str) -> None:
    canaries = Canaries()
    record = json_record(canaries, "bingx-x01")
    value = {"array": [record], "object": record, "wrapped": {"connections": [record]}}[form]
    file = write(tmp_path / "connections.json", value)
    assert actions(transfer, file) == [("add", "BINGX-X01")]
    assert key_of(kit, "BINGX-X01") == record["api_key"]
    assert kit.connections.find("BINGX-X01").account_type == "perpetual"
    assert actions(transfer, file) == [("skip", "BINGX-X01")]
    assert kit.names() == ["BINGX-X01"]


def test_nothing_is_overwritten(kit: Kit, transfer: TransferService, tmp_path: Path) -> None:
    canaries = Canaries()
    mine, theirs = canaries.new(), canaries.new()
    kit.connections.add({"name": "Main", "exchange": "bybit", "api_key": mine, "api_secret": mine, "note": "mine"})
    held = kit.connections.find("Main").id
    same_id = {"id": held, "name": "Other", "exchange": "bybit", "environment": "live", "note": "theirs"}
    same_key = json_record(canaries, "a", name="Main", exchange="bybit", api_key=mine)
    other_key = json_record(canaries, "b", name="Main", exchange="bybit", api_key=theirs)
    other_exchange = json_record(canaries, "c", name="Main", exchange="okx")
    file = write(tmp_path / "in.json", [same_id, same_key, other_key, other_key, other_exchange])
    expected = [("skip", "Other"), ("skip", "Main"), ("add", "Main (2)"), ("skip", "Main"), ("add", "Main (3)")]
    assert actions(transfer, file, dry=True) == expected
    assert kit.names() == ["Main"]
    assert actions(transfer, file) == expected
    assert kit.names() == ["Main", "Main (2)", "Main (3)"]
    assert (key_of(kit, "Main"), kit.connections.find("Main").note) == (mine, "mine")
    assert key_of(kit, "Main (2)") == theirs


def test_a_deleted_connection_can_still_be_restored(kit: Kit, transfer: TransferService, tmp_path: Path) -> None:
    kit.add("Main")
    transfer.export(tmp_path / "out.json")
    gone = kit.connections.find("Main").id
    kit.connections.remove([gone])
    assert actions(transfer, tmp_path / "out.json") == [("add", "Main")]
    assert kit.connections.find("Main").id != gone
    kit.connections.restore([gone])
    assert len(kit.names()) == 2


def test_a_bad_record_does_not_keep_the_others_out(kit: Kit, transfer: TransferService, tmp_path: Path) -> None:
    canaries = Canaries()
    bad: list[dict[str, Any]] = [
        {"name": "Lost", "exchange": "mtgox", "api_key": canaries.new()},
        {"name": "a\0b", "exchange": "bybit", "environment": "live"},
        {"name": "N", "exchange": "bybit", "environment": "moon"},
        {"name": "N", "exchange": "bybit", "environment": "live", "api_key": ["x"]},
        {"exchange": "bybit", "environment": "live"},
        *({"id": one, "name": "N", "exchange": "bybit", "environment": "live"} for one in ("../../x", "/etc/x", "CON")),
        *({"id": one, "name": "N", "exchange": "bybit", "environment": "live"} for one in ("a\n", "a\0", "i" * 300, 7)),
    ]
    file = write(tmp_path / "in.json", [*bad, {"name": "Good", "exchange": "bybit", "environment": "live"}])
    found = transfer.apply([file])
    assert [item.action for item in found] == ["refuse"] * len(bad) + ["add"]
    assert all(item.sentence for item in found)
    assert kit.names() == ["Good"]


def test_ids_of_cts_never_become_a_path(kit: Kit, transfer: TransferService, tmp_path: Path) -> None:
    canaries = Canaries()
    ids = ["../../x", "/etc/passwd", "a\n", "a\0b", "CON", "i" * 300]
    write(tmp_path / "in.json", [json_record(canaries, one, name=f"N{number}") for number, one in enumerate(ids)])
    transfer.apply([tmp_path / "in.json"])
    rows = kit.connections.rows()
    assert len(rows) == len(ids)
    assert all(len(row.id) == 36 and set(row.id) <= set("0123456789abcdef-") for row in rows)


def test_tokens_of_another_vault_and_placeholders_are_no_keys(
    kit: Kit, transfer: TransferService, tmp_path: Path
) -> None:
    token = {"name": "T", "exchange": "bybit", "environment": "live", "api_key": "cts1.alien.AAAA", "api_secret": "xxx"}
    file = write(tmp_path / "in.json", [token])
    (item,) = transfer.apply([file])
    assert item.action == "add"
    assert any("another vault" in sentence for sentence in item.advice)
    assert not kit.connections.find("T").api_key_set


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"{", "not JSON"),
        (b"[" * 100_000, "nested"),
        (b"PK\x03\x04" + bytes(100), "not"),
        ('{"exchange": "bybit"}'.encode("utf-16"), "UTF-8"),
        (b'[{"exchange": "bybit", "volume_factor": 1e400}]', "too large"),
        (b'[{"exchange": "bybit", "volume_factor": ' + b"9" * 5000 + b"}]", "digits"),
        (b'[{"exchange": "bybit", "exchange": "okx"}]', "twice"),
        (b"[1, 2]", "no connection"),
        (b'{"a": 1}', "no connections"),
        (b'{"format": "cts-connections-export", "version": 99, "connections": []}', "newer"),
        (b'{"format": "cts-connection", "version": 1}', "not a list"),
        (b" " * (16 * 1024 * 1024 + 1), "larger"),
        (b"[" + b"{}," * 100_001 + b"{}]", "more than"),
    ],
)
def test_a_bad_file_brings_nothing_at_all(
    kit: Kit, transfer: TransferService, tmp_path: Path, content: bytes, why: str
) -> None:
    good = write(tmp_path / "good.json", [json_record(Canaries(), "x")])
    bad = tmp_path / "bad.json"
    bad.write_bytes(content)
    with pytest.raises(InputError, match=why) as raised:
        transfer.apply([good, bad])
    assert raised.value.problem.category is Category.BAD_FILE
    assert "bad.json" in raised.value.problem.text
    assert kit.names() == []


def test_links_and_pipes_are_not_read(transfer: TransferService, tmp_path: Path) -> None:
    import os

    (tmp_path / "link.json").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe.json")
    for name in ("link.json", "pipe.json", "."):
        with pytest.raises(CtsError):
            transfer.preview([tmp_path / name])


def test_all_or_nothing(kit: Kit, transfer: TransferService, tmp_path: Path) -> None:
    """A store that fails at the last record keeps none of those before it."""
    write(tmp_path / "in.json", [json_record(Canaries(), f"x{number}") for number in range(20)])
    with kit.store.database.write() as connection:  # type: ignore[union-attr]
        connection.execute(
            "CREATE TRIGGER full BEFORE INSERT ON exchange_connections WHEN NEW.name = 'X19'"
            " BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
    with pytest.raises(CtsError):
        transfer.apply([tmp_path / "in.json"])
    assert kit.names() == []


def test_our_own_field_names_are_read_as_ours(kit: Kit, transfer: TransferService, tmp_path: Path) -> None:
    key, secret = make_canary(written=True), make_canary(written=True)
    record = {"name": "A", "exchange": "bybit", "api_key": key, "api_secret": secret, "api_passphrase": "pp"}
    file = write(tmp_path / "in.json", [{**record, "tags": ["x"]}, {"name": "B", "exchange": "okx"}])
    assert actions(transfer, file) == [("add", "A"), ("add", "B")]
    found = kit.connections.find("A")
    assert (found.tags, key_of(kit, "A")) == (("x",), key)
    assert found.enabled == validate({"name": "A", "exchange": "bybit"}).enabled
    assert isinstance(found.api_passphrase, SealedSecret)
    assert kit.vault.open_secret(found.id, "api_passphrase", found.api_passphrase).reveal() == "pp"
    assert found.extra == {}


@pytest.mark.parametrize(
    "sign", [{"api_type": "spot"}, {"is_enabled": True}, {"is_testnet": "0"}, {"exchange_id": "bybit"}, {"userId": 1}]
)
def test_a_name_that_only_cts_has_makes_it_one_of_cts(
    kit: Kit, transfer: TransferService, tmp_path: Path, sign: dict[str, Any]
) -> None:
    key, secret = make_canary(written=True), make_canary(written=True)
    record = {"id": "bybit-1", "name": "A", "exchange": "bybit", "api_key": key, "api_secret": secret, **sign}
    assert actions(transfer, write(tmp_path / "in.json", [record])) == [("add", "A")]
    found = kit.connections.find("A")
    assert (found.extra["legacy_id"], found.enabled) == ("bybit-1", sign.get("is_enabled", False))
    assert key_of(kit, "A") == key


def test_credentials_spelled_in_another_way_are_not_lost(kit: Kit, transfer: TransferService, tmp_path: Path) -> None:
    key, secret = make_canary(written=True), make_canary(written=True)
    transfer.apply(
        [write(tmp_path / "in.json", [{"name": "A", "exchange": "bybit", "apiKey": key, "apiSecret": secret}])]
    )
    assert key_of(kit, "A") == key


def test_a_file_imported_again_adds_nothing(kit: Kit, transfer: TransferService, tmp_path: Path) -> None:
    """The second of two accounts with one name got a suffix: it must be known again under the name in the file."""
    canaries = Canaries()
    kit.connections.add({"name": "Main", "exchange": "bybit", "api_key": "another-key", "api_secret": "another"})
    records = [json_record(canaries, f"bybit-x0{n}", name="Main", exchange="bybit") for n in range(3)]
    file = write(tmp_path / "in.json", records)
    assert actions(transfer, file) == [("add", "Main (2)"), ("add", "Main (3)"), ("add", "Main (4)")]
    assert {action for action, _ in actions(transfer, file)} == {"skip"}
    assert len(kit.names()) == 4


def test_a_stranger_in_a_list_does_not_keep_the_others_out(kit: Kit, transfer: TransferService, tmp_path: Path) -> None:
    file = write(tmp_path / "in.json", [None, json_record(Canaries(), "x", name="Good"), 5])
    found = transfer.apply([file])
    assert [(item.action, item.sentence) for item in found if item.action != "add"] == [
        ("refuse", "It is no connection.")
    ] * 2
    assert kit.names() == ["Good"]


def test_a_secret_that_is_left_out_is_told(kit: Kit, transfer: TransferService, tmp_path: Path) -> None:
    secret = make_canary(written=True)
    record = {"name": "N", "exchange": "bybit", "environment": "live", "extra": {"deep": {"webhookSecret": secret}}}
    (item,) = transfer.apply([write(tmp_path / "in.json", [record])])
    assert (item.action, "webhookSecret" in " ".join(item.advice)) == ("add", True)
    assert kit.connections.find("N").extra == {"deep": {}}


@pytest.mark.parametrize("name", ["cts.db", "vault.json", "settings.json", "connections/{id}.json"])
def test_an_export_never_replaces_a_file_of_the_program(kit: Kit, tmp_path: Path, name: str) -> None:
    saved = kit.connections.add({"name": "N", "exchange": "bybit"})
    folder, name = tmp_path / "data", name.format(id=saved.row.id)
    transfer = TransferService(kit.connections, kit.vault, folder)
    (folder / "settings.json").write_text("{}")
    before = (folder / name).read_bytes()
    with pytest.raises(InputError, match="no export"):
        transfer.export(folder / name)
    assert (folder / name).read_bytes() == before
    assert transfer.export(folder / "export.json") == transfer.export(folder / "export.json") == 1


def test_a_file_that_is_not_there_is_not_a_matter_of_the_data_folder(transfer: TransferService, tmp_path: Path) -> None:
    for call in (lambda: transfer.preview([tmp_path / "none.json"]), lambda: transfer.export(tmp_path / "no" / "x")):
        with pytest.raises(CtsError) as raised:
            call()
        assert raised.value.problem.category is Category.CANT_OPEN
        assert "data folder" not in raised.value.problem.solution
        assert "--data-dir" not in raised.value.problem.solution
