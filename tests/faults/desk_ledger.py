"""What desks said and meant to write, and the proof from the database's own history that none of it went wrong.

The database keeps every version of every record and conflict (AUDIT). Whoever put one value in the place of another
must have had that other one before his eyes; whoever deleted a record must have seen it as it was.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import pairwise
from typing import Any, Final, NamedTuple

Facts = dict[str, str]
"""A record by units, each in one text."""
UNITS: Final = ("note", "color", "name", "place", "keys")
AUDIT: Final = """
CREATE TABLE audit (
    number bigserial, kind text, id text, note text, color text, name text, place text, keys text, revision bigint
);
CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE it record;
BEGIN
    it := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    INSERT INTO audit (kind, id, note, color, name, place, keys, revision) VALUES (
        TG_OP, it.id, it.note, it.color, it.name, it.exchange || '/' || it.environment,
        json_build_object('api_key', it.api_key, 'api_secret', it.api_secret, 'api_passphrase', it.api_passphrase),
        it.revision
    );
    RETURN NULL;
END $$;
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON exchange_connections FOR EACH ROW EXECUTE FUNCTION audit();
CREATE TABLE conflict_audit (number bigserial, id text, connection_id text, base text, mine text, theirs text);
CREATE FUNCTION conflict_audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO conflict_audit (id, connection_id, base, mine, theirs)
    VALUES (NEW.id, NEW.connection_id, NEW.base, NEW.mine, NEW.theirs);
    RETURN NULL;
END $$;
CREATE TRIGGER conflict_audit AFTER INSERT OR UPDATE ON conflicts FOR EACH ROW EXECUTE FUNCTION conflict_audit();
"""
Query = Callable[[str], list[tuple[Any, ...]]]
Tokens = dict[str, str | None]
Opened = Callable[[list[tuple[str, Tokens]]], list[str]]
"""Opens credentials: (record, tokens by field)."""


class Version(NamedTuple):
    """A record at one time; `kind` is what was done to it: INSERT, UPDATE or DELETE."""

    kind: str
    facts: Facts
    revision: int


class Conflict(NamedTuple):
    """A conflict as it was kept, or as it was replaced; each side by unit."""

    id: str
    record: str
    base: Facts
    mine: Facts
    theirs: Facts


class Ledger:
    """Collects in order what each desk says; `check` compares it with the history."""

    def __init__(self) -> None:
        self._meant: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
        self._said: dict[tuple[str, str, str], str] = {}
        self._seen_at_removal: dict[str, list[Facts]] = defaultdict(list)
        self._unseen_removals: set[str] = set()
        self._brought_back: Counter[str] = Counter()
        self._chosen: set[str] = set()

    def will(self, kind: str, record: str, before: Facts, after: Facts, *, at_once: bool = False) -> None:
        """Note what is about to be written. `at_once`: while others write, so that a removal may see newer values."""
        if kind == "edit":
            (unit,) = before
            self._meant[record, unit].add((before[unit], after[unit]))
        elif kind == "remove":
            self._seen_at_removal[record].append(before)
            if at_once:
                self._unseen_removals.add(record)
        elif kind == "resolve":
            self._chosen |= set(after.values())
        if kind in ("restore", "resolve"):
            self._brought_back[record] += 1

    def saved(self, desk: str, record: str, values: Facts) -> None:
        for unit, value in values.items():
            self._said[desk, record, unit] = value

    def check(self, query: Query, opened: Opened) -> None:
        """Fail with what was lost, mixed, or written over unseen."""
        history, conflicts = _history(query, opened), _conflicts(query, opened)
        for record, versions in history.items():
            mixed = [each.facts["keys"] for each in versions if each.facts["keys"].startswith("mixed")]
            assert not mixed, f"{record} had {mixed}"
            kept = [each for each in conflicts if each.record == record]
            for old, new in pairwise(versions):
                assert new.revision >= old.revision + (old.kind == "DELETE"), f"{record} went back from {old} to {new}"
                if new.kind == "DELETE":
                    self._is_seen_off(record, old.facts)
                else:
                    self._nothing_is_written_over(record, old.facts, new.facts, kept)
            self._nothing_comes_back_by_itself(record, versions, len(kept))
        for each in conflicts:
            self._is_a_conflict(each)
        self._nothing_is_lost(history, conflicts)

    def _is_seen_off(self, record: str, facts: Facts) -> None:
        seen = record in self._unseen_removals or facts in self._seen_at_removal[record]
        assert seen, f"{record} was deleted unseen, with {facts}"

    def _nothing_is_written_over(self, record: str, old: Facts, new: Facts, conflicts: list[Conflict]) -> None:
        chosen = [each.mine for each in conflicts if each.id in self._chosen]
        for unit in UNITS:
            before, after = old[unit], new[unit]
            meant = before == after or self._was_meant(record, unit, before, after)
            assert meant or any(each.get(unit) == after for each in chosen), (
                f"{unit} {before} of {record} became {after} unseen"
            )

    def _was_meant(self, record: str, unit: str, before: str, after: str) -> bool:
        meant = {new for old, new in self._meant[record, unit] if old == before}
        # A taken name got a number; so may one that came back from a deletion.
        return after in meant or (unit == "name" and _bare(after) in {_bare(each) for each in (*meant, before)})

    def _nothing_comes_back_by_itself(self, record: str, versions: list[Version], conflicts: int) -> None:
        def bare(version: Version) -> Facts:
            return {**version.facts, "name": _bare(version.facts["name"])}

        again = sum(old.kind == "DELETE" and bare(old) == bare(new) for old, new in pairwise(versions))
        # An edit that brings a record back may itself end as a conflict, or may only have given it a number.
        reasons = self._brought_back[record] + conflicts + len(self._meant[record, "name"])
        assert again <= reasons, f"{record} came back without a reason"

    def _is_a_conflict(self, conflict: Conflict) -> None:
        """Fail unless both sides changed the same, differently, and neither from what the other had made of it."""
        for unit, mine in conflict.mine.items():
            assert not mine.startswith("mixed"), conflict
            assert conflict.theirs[unit] not in (mine, conflict.base[unit]), f"no conflict: {conflict}"
            if unit in ("note", "color", "keys"):
                theirs = conflict.theirs[unit]
                related = mine in self._before(conflict.record, unit, theirs)
                related = related or theirs in self._before(conflict.record, unit, mine)
                assert not related, f"in conflict with what it came from, or what came of it: {conflict}"

    def _before(self, record: str, unit: str, value: str) -> set[str]:
        """Return the values from which one was made, step by step."""
        found: set[str] = set()
        todo = {value}
        while todo:
            todo = {old for old, new in self._meant[record, unit] if new in todo} - found
            found |= todo
        return found

    def _nothing_is_lost(self, history: dict[str, list[Version]], conflicts: list[Conflict]) -> None:
        known = {
            (record, unit, _bare(value))
            for record, versions in history.items()
            for each in versions
            for unit, value in each.facts.items()
        }
        known |= {(each.record, unit, _bare(value)) for each in conflicts for unit, value in each.mine.items()}
        for (desk, record, unit), value in self._said.items():
            # A desk that changed its own value again, before anybody had it, lost nothing.
            assert (record, unit, _bare(value)) in known, f"{unit} {value} of {record}, saved by {desk}, is lost"


def _bare(name: str) -> str:
    """Return a name without the numbers that it got where it was taken; any other value as it is."""
    return re.sub(r"( \(\d+\))+$", "", name)


def _history(query: Query, opened: Opened) -> dict[str, list[Version]]:
    rows = query("SELECT kind, id, note, color, name, place, revision, keys FROM audit ORDER BY number")
    keys = opened([(row[1], json.loads(row[7])) for row in rows])
    found: dict[str, list[Version]] = defaultdict(list)
    for (kind, record, note, color, name, place, revision, _), pair in zip(rows, keys, strict=True):
        facts = {"note": note, "color": color, "name": name, "place": place, "keys": pair}
        found[record].append(Version(kind, facts, revision))
    return found


def _conflicts(query: Query, opened: Opened) -> list[Conflict]:
    def by_unit(record: str, side: dict[str, Any]) -> Facts:
        if "api_key" in side:
            return {"keys": opened([(record, side)])[0]}
        return {"place": f"{side['exchange']}/{side['environment']}"} if "exchange" in side else side

    rows = query("SELECT id, connection_id, base, mine, theirs FROM conflict_audit ORDER BY number")
    return [
        Conflict(each, record, *(by_unit(record, json.loads(side)) for side in sides)) for each, record, *sides in rows
    ]
