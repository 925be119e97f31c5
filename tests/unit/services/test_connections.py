"""The service over the real store and vault: what people give it, what it refuses, what it announces."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from sqlite3 import connect
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.connection_rules import NAME_LENGTH, InvalidFieldsError, is_connection_id
from models.event import ConnectionsChanged
from models.problem import Category, CtsError, InputError, StoreError, VaultError
from models.secret import SealedSecret
from services.connections import as_json
from tests.canary import canaries_under, make_canary
from tests.store_kit import Kit

OKX = {"name": "OKX main", "exchange": "okx"}
KEYS = {"api_key": "0123456789abcdef-KEY", "api_secret": make_canary(), "api_passphrase": "a phrase"}


@pytest.fixture
def kit(tmp_path: Path) -> Iterator[Kit]:
    opened = Kit(tmp_path / "data")
    yield opened
    opened.store.close()


def last_event(kit: Kit) -> ConnectionsChanged:
    event = kit.heard[-1]
    assert isinstance(event, ConnectionsChanged)
    return event


def test_credentials_are_sealed_for_their_record_and_field(kit: Kit) -> None:
    saved = kit.connections.add({**OKX, **KEYS})
    stored = kit.connections.get(saved.row.id)
    for field, value in KEYS.items():
        token = getattr(stored, field)
        assert isinstance(token, SealedSecret)
        assert kit.vault.open_secret(stored.id, field, token).reveal() == value
    assert stored.api_key is not None
    assert isinstance(stored.api_key, SealedSecret)
    with pytest.raises(VaultError):
        kit.vault.open_secret(stored.id, "api_secret", stored.api_key)
    assert KEYS["api_secret"].encode() not in kit.folder.database.read_bytes()
    assert kit.connections.key_ending(stored.id) == "-KEY"


def test_a_short_key_or_none_gives_no_ending(kit: Kit) -> None:
    bare = kit.connections.add(OKX).row.id
    assert kit.connections.key_ending(bare) is None
    short = kit.connections.add({"name": "short", "exchange": "bybit", "api_key": "abcd1234", "api_secret": "s"}).row.id
    assert kit.connections.key_ending(short) is None


def test_events_follow_what_is_stored_and_never_a_failure(kit: Kit) -> None:
    kit.heard.clear()
    row = kit.connections.add(OKX).row
    assert last_event(kit) == ConnectionsChanged(changed=(row,))
    kit.heard.clear()
    with pytest.raises(StoreError):
        kit.connections.add(OKX)
    with pytest.raises(InvalidFieldsError):
        kit.connections.add({"name": "", "exchange": "okx"})
    assert kit.connections.set_enabled([row.id], True) == []
    assert kit.connections.remove(["not there"]) == []
    assert kit.heard == []
    kit.connections.remove([row.id])
    assert last_event(kit) == ConnectionsChanged(removed=(row.id,))
    (back,) = kit.connections.restore(["OKX main"])
    assert last_event(kit) == ConnectionsChanged(changed=(back,))


def test_find_takes_id_name_and_name_in_another_case(kit: Kit) -> None:
    kit.add("Main", "main", "Other")
    other = kit.connections.find("OTHER")
    assert kit.connections.find(other.id) == other
    assert kit.connections.find("main").name == "main"
    with pytest.raises(InputError) as ambiguous:
        kit.connections.find("MAIN")
    assert ambiguous.value.problem.category is Category.AMBIGUOUS
    assert kit.connections.find("Main").id in ambiguous.value.problem.solution
    with pytest.raises(StoreError) as missing:
        kit.connections.find("nothing")
    assert missing.value.problem.category is Category.NOT_FOUND


def test_an_edit_changes_what_is_given_and_merges_the_rest(kit: Kit) -> None:
    row = kit.connections.add({**OKX, **KEYS, "note": "old"}).row
    seen = kit.connections.get(row.id)
    kit.connections.edit(row.id, {"color": "#112233"})
    saved = kit.connections.edit(row.id, {"note": "new"}, base=seen)
    after = kit.connections.get(row.id)
    assert (after.note, after.color, after.revision) == ("new", "#112233", 3)
    assert after.api_key == seen.api_key
    assert saved.row.revision == 3
    with pytest.raises(StoreError) as conflict:
        kit.connections.edit(row.id, {"note": "newer"}, base=seen)
    assert conflict.value.problem.category is Category.CONFLICT
    with pytest.raises(StoreError) as stale:
        kit.connections.edit(row.id, {"note": "newer"}, base_revision=1)
    assert stale.value.problem.category is Category.CONFLICT
    assert kit.connections.edit(row.id, {"note": "newer"}, base_revision=3).row.revision == 4


def test_what_show_prints_can_be_edited_and_given_back(kit: Kit) -> None:
    row = kit.connections.add({**OKX, **KEYS, "tags": ["a"]}).row
    printed = json.loads(json.dumps(as_json(kit.connections.get(row.id))))
    assert not {"api_key", "api_secret", "api_passphrase"} & set(printed)
    assert printed["api_key_set"] is True
    printed["note"] = "by a script"
    kit.connections.edit(row.id, printed)
    after = kit.connections.get(row.id)
    assert (after.note, after.tags, after.extra) == ("by a script", ("a",), {})
    assert after.api_key_set
    with pytest.raises(InputError):
        kit.connections.edit(row.id, {"id": "00000000-0000-4000-8000-000000000000"})


def test_half_a_set_of_credentials_is_refused_only_where_they_are_touched(kit: Kit) -> None:
    with pytest.raises(InvalidFieldsError) as caught:
        kit.connections.add({**OKX, "api_key": "k" * 20, "api_secret": "s" * 20})
    assert "api_passphrase" in caught.value.errors
    from models.connection_rules import validate

    half = validate({"name": "from a take-over", "exchange": "okx", "api_key": SealedSecret("x")}, complete=False)
    kit.store.repository.add([half])
    assert kit.connections.edit(half.id, {"note": "fine"}).row.revision == 2
    with pytest.raises(InvalidFieldsError):
        kit.connections.edit(half.id, {"api_key": "k" * 20})


def test_credentials_can_be_taken_away(kit: Kit) -> None:
    row = kit.connections.add({**OKX, **KEYS}).row
    cleared = kit.connections.edit(row.id, dict.fromkeys(KEYS)).row
    assert (cleared.api_key_set, cleared.api_secret_set, cleared.api_passphrase_set) == (False, False, False)


def test_a_duplicate_is_sealed_anew_and_does_not_trade(kit: Kit) -> None:
    row = kit.connections.add({**OKX, **KEYS, "live_trade": True, "active": True, "tags": ["t"]}).row
    copy = kit.connections.duplicate(row.id).row
    assert (copy.name, copy.live_trade, copy.active, copy.enabled, copy.tags) == (
        "OKX main copy",
        False,
        False,
        True,
        ("t",),
    )
    assert kit.connections.duplicate(row.id).row.name == "OKX main copy 2"
    assert kit.connections.duplicate(row.id).row.name == "OKX main copy 3"
    original, other = kit.connections.get(row.id), kit.connections.get(copy.id)
    for field, value in KEYS.items():
        token = getattr(other, field)
        assert token != getattr(original, field)
        assert kit.vault.open_secret(other.id, field, token).reveal() == value
    long = kit.connections.add({"name": "n" * NAME_LENGTH, "exchange": "bybit"}).row
    assert len(kit.connections.duplicate(long.id).row.name) == NAME_LENGTH


def test_restoring_says_what_is_not_there(kit: Kit) -> None:
    with pytest.raises(StoreError) as caught:
        kit.connections.restore(["never was"])
    assert caught.value.problem.category is Category.NOT_FOUND


def test_free_name(kit: Kit) -> None:
    kit.add("Main", "Main (2)")
    assert kit.connections.free_name("Main") == "Main (3)"
    assert kit.connections.free_name("Free") == "Free"


def test_advice_is_given_and_does_not_stop_the_save(kit: Kit) -> None:
    saved = kit.connections.add({"name": "b", "exchange": "bybit", "api_key": "s" * 36, "api_secret": "k" * 18})
    assert any("swapped" in sentence for sentence in saved.advice)


@pytest.mark.parametrize(
    "name",
    [
        "'; DROP TABLE exchange_connections; --",
        '" OR 1=1 --',
        "100% sure_ \\ %s %(name)s ? :x",
        "<b>bold</b><img src=file:///etc/passwd>",
        "=HYPERLINK(1)",
        "👩‍👩‍👧‍👦 emoji",
        "שלום עולם",
        "a" * NAME_LENGTH,
        "../../etc/passwd",
        "CON",
    ],
)
def test_names_are_only_ever_values(kit: Kit, name: str) -> None:
    row = kit.connections.add({"name": name, "exchange": "bybit"}).row
    assert row.name == name
    assert kit.connections.find(name).id == row.id
    assert kit.connections.duplicate(row.id).row.name.endswith(" copy")
    kit.connections.remove([row.id])
    assert kit.connections.restore([name])[0].name == name
    names = {path.name.removesuffix(".bak").removesuffix(".json") for path in kit.folder.connections.iterdir()}
    assert all(is_connection_id(each) for each in names)


@pytest.mark.parametrize(
    "name", ["", "   ", "a\x00b", "a\nb", "a\u202eb", "a\u200bb", "\ud800", "a" * 300, "\u2066x", None, 5, ["x"]]
)
def test_names_that_cannot_be_shown_are_refused_everywhere(kit: Kit, name: Any) -> None:
    with pytest.raises(InvalidFieldsError) as caught:
        kit.connections.add({"name": name, "exchange": "bybit"})
    assert set(caught.value.errors) == {"name"}
    row = kit.connections.add({"name": "good", "exchange": "bybit"}).row
    with pytest.raises(InvalidFieldsError):
        kit.connections.edit(row.id, {"name": name})
    if isinstance(name, str):
        with pytest.raises(CtsError):
            kit.connections.find(name)


def test_two_spellings_of_one_name_are_one(kit: Kit) -> None:
    kit.connections.add({"name": "Z\u00fcrich", "exchange": "bybit"})
    with pytest.raises(StoreError) as caught:
        kit.connections.add({"name": "Zu\u0308rich", "exchange": "bybit"})
    assert caught.value.problem.category is Category.CONSTRAINT


@pytest.mark.parametrize("bad", ["../../x", "/etc/x", "a\n", "\x00", "CON", "x" * 300, "", 5])
def test_ids_that_are_no_uuid_are_refused_on_the_way_in(kit: Kit, bad: Any) -> None:
    with pytest.raises(InvalidFieldsError) as caught:
        kit.connections.add({"id": bad, "name": "n", "exchange": "bybit"})
    assert "id" in caught.value.errors


def test_odd_ids_and_values_of_plain_sql_are_listed_and_can_be_removed(kit: Kit) -> None:
    with closing(connect(kit.folder.database)) as other:
        other.executemany(
            "INSERT INTO exchange_connections (id, name, exchange, environment) VALUES (?, ?, ?, ?)",
            [("../../x", "path", "bybit", "live"), ("odd", "kraken one", "kraken", "live"), ("w", "w", "okx", "paper")],
        )
        other.commit()
    assert kit.names() == ["kraken one", "path", "w"]
    assert kit.connections.edit("../../x", {"note": "kept"}).row.id == "../../x"
    with pytest.raises(InputError) as unknown:
        kit.connections.edit("odd", {"note": "x"})
    assert "kraken" in unknown.value.problem.text
    assert kit.connections.edit("odd", {"exchange": "okx"}).row.exchange == "okx"
    with pytest.raises(StoreError) as damaged:
        kit.connections.get("w")
    assert damaged.value.problem.category is Category.DATA
    assert "environment" in damaged.value.problem.text
    assert len(kit.connections.remove(["w", "odd", "../../x"])) == 3
    assert not (kit.folder.root.parent / "x").exists()


def test_plain_sql_is_respected_with_and_without_a_revision(kit: Kit) -> None:
    row = kit.connections.add({**OKX, "note": "mine"}).row
    seen = kit.connections.get(row.id)
    with closing(connect(kit.folder.database)) as other, other:
        other.execute("UPDATE exchange_connections SET note = 'theirs', color = '#aabbcc' WHERE id = ?", (row.id,))
    kit.heard.clear()
    kit.store.poll()
    (heard,) = kit.heard
    assert isinstance(heard, ConnectionsChanged)
    assert [each.color for each in heard.changed] == ["#aabbcc"]
    kit.store.poll()
    assert len(kit.heard) == 1
    kit.connections.edit(row.id, {"tags": ["x"]}, base=seen)
    after = kit.connections.get(row.id)
    assert (after.note, after.color, after.tags) == ("theirs", "#aabbcc", ("x",))
    with pytest.raises(StoreError) as caught:
        kit.connections.edit(row.id, {"note": "mine again"}, base=seen)
    assert caught.value.problem.category is Category.CONFLICT
    with closing(connect(kit.folder.database)) as other, other:
        other.execute("UPDATE exchange_connections SET revision = revision + 7 WHERE id = ?", (row.id,))
    assert kit.connections.edit(row.id, {"note": "now"}).row.revision == after.revision + 8


def test_own_writes_are_not_taken_for_those_of_others(kit: Kit) -> None:
    kit.add("one")
    kit.heard.clear()
    kit.store.poll()
    assert kit.heard == []


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=220), st.text(max_size=220))
def test_any_text_is_stored_as_it_is_or_refused(kit: Kit, name: str, note: str) -> None:
    refused = None
    try:
        row = kit.connections.add({"name": name, "exchange": "bybit", "note": note}).row
    except CtsError as error:
        refused = error.problem.category
    if refused is not None:
        assert refused in {Category.INVALID, Category.CONSTRAINT}
        return
    found = kit.connections.find(row.name)
    assert found.id == row.id
    assert kit.connections.edit(row.id, {"note": found.note}).row.revision == 1
    assert kit.connections.remove([row.id])[0].name == row.name


STRAYS: list[Callable[[str], dict[str, Any]]] = [
    lambda secret: {"apiKey": secret},
    lambda secret: {"secret": secret},
    lambda secret: {"passphrase": secret},
    lambda secret: {"extra": {"n": [{"webhookSecret": secret}]}},
    lambda secret: {"settings": {"password": ["deep", secret]}},
]


@pytest.mark.parametrize("stray", STRAYS)
def test_a_secret_in_a_field_that_nothing_encrypts_is_refused(kit: Kit, stray: Callable[[str], dict[str, Any]]) -> None:
    secret = make_canary()
    kit.connections.add({"name": "There", "exchange": "bybit", "token_lifetime": 5, "extra": {"has_secret": "no"}})
    there = kit.connections.find("There")
    saves: list[Callable[[], object]] = [
        lambda: kit.connections.add({"name": "New", "exchange": "bybit", **stray(secret)}),
        lambda: kit.connections.edit(there.id, stray(secret)),
    ]
    for save in saves:
        with pytest.raises(InputError, match="named like a secret") as raised:
            save()
        assert secret not in str(raised.value.problem)
        assert "api_key, api_secret and api_passphrase" in raised.value.problem.text
    assert kit.names() == ["There"]
    assert canaries_under(kit.folder.root, [secret]) == []


def test_what_is_there_already_is_no_reason_to_refuse_an_edit(kit: Kit) -> None:
    kit.connections.add({"name": "There", "exchange": "bybit"})
    there = kit.connections.find("There")
    kit.store.repository.update(there, replace(there, extra={"webhookSecret": "put there by plain SQL"}))
    there = kit.connections.find("There")
    kit.connections.edit(there.id, {"note": "n", "extra": there.extra})
    assert kit.connections.find("There").note == "n"
