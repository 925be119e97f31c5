"""Which rows of the list are shown, in which order: an index of row numbers, without Qt, quick at 100,000 rows.

A row keeps its number for as long as the list lives. The order by name is the ground: every other column is a stable
arrangement of it, made by putting rows with the same value into one bucket.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import compress
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

from models.connection_row import ConnectionRow
from models.exchange import EXCHANGES, exchange_label

_CHUNK = 8_000
"""Rows sorted in one go: one sort of 100,000 would hold the interpreter, and so the window, for 100 ms."""

T = TypeVar("T")
_LOOK_UPS = 8
_ALIKE = 4
"""So many rows to a value are quicker put into buckets than sorted."""
_FEW = 200
"""More rows than this are sorted in again rather than put in one by one."""

Key = Callable[[ConnectionRow], str | int]

MARKS = ("waiting", "conflict", "refused")
"""What a change that is not simply stored makes of its connection."""

_WITH_PASSPHRASE = frozenset(info.id for info in EXCHANGES.values() if info.needs_passphrase)

STATE_RANK = {"incomplete": 0, "enabled": 1, "disabled": 2}


def state_of(row: "ConnectionRow | _Standing") -> str:
    """Return enabled, disabled, or incomplete where a credential that the exchange asks for is not set."""
    if not row.enabled:
        return "disabled"
    return "incomplete" if lacking(row) else "enabled"


def lacking(row: "ConnectionRow | _Standing") -> str:
    """Name the first credential without which the exchange lets nobody in; "" where none lacks."""
    if row.api_key_set and row.api_secret_set:
        return "" if row.api_passphrase_set or row.exchange not in _WITH_PASSPHRASE else "passphrase"
    return "secret" if row.api_key_set else "key"


class _Standing(NamedTuple):
    """What of a row its state depends on."""

    enabled: bool
    api_key_set: bool
    api_secret_set: bool
    api_passphrase_set: bool
    exchange: str


class _Order(NamedTuple):
    """How a column is ordered: by the `key` of what it looks at. Few values are looked at, by many rows."""

    look: Callable[[ConnectionRow], Any]
    key: Callable[[Any], str | int]


_ORDERS = {
    "state": _Order(attrgetter(*_Standing._fields), lambda seen: STATE_RANK[state_of(_Standing(*seen))]),
    "name": _Order(attrgetter("name"), str.casefold),
    "exchange": _Order(attrgetter("exchange"), lambda exchange: exchange_label(exchange).casefold()),
    "account_type": _Order(attrgetter("account_type"), str),
    "environment": _Order(attrgetter("environment"), str),
    "enabled": _Order(attrgetter("enabled"), lambda enabled: not enabled),
    "live_trade": _Order(attrgetter("live_trade"), lambda live_trade: not live_trade),
    "tags": _Order(attrgetter("tags"), lambda tags: ", ".join(tags).casefold() or "\U0010ffff"),
    "updated_at": _Order(attrgetter("updated_at"), str),
}


def _key(by: _Order, row: ConnectionRow) -> str | int:
    return by.key(by.look(row))


SORT_KEYS: dict[str, Key] = {column: partial(_key, by) for column, by in _ORDERS.items()}


class Filters(NamedTuple):
    """What narrows the list; "" does not. `state` is enabled, disabled, incomplete, live, or one of MARKS."""

    text: str = ""
    exchange: str = ""
    environment: str = ""
    state: str = ""
    tag: str = ""

    def is_open(self) -> bool:
        return not any(self)


class Change(NamedTuple):
    """What a change did to the list: places whose cells differ, or that the order is another one now."""

    cells: tuple[int, ...] = ()
    order: bool = False


class OrderIndex:
    """The rows, and `visible`: the numbers of those that are shown, in order."""

    def __init__(self, rows: Sequence[ConnectionRow] = (), column: str = "name", *, descending: bool = False) -> None:
        self.rows: list[ConnectionRow] = list(rows)
        self._numbers = {row.id: number for number, row in enumerate(self.rows)}
        self._texts = [_search_text(row) for row in self.rows]
        self._names = [row.name.casefold() for row in self.rows]
        self._by_name = _sorted_in_chunks(list(range(len(self.rows))), self._names.__getitem__)
        self.column, self.descending = column, descending
        self.filters = Filters()
        # By id: one of MARKS, and its sentence.
        self.marks: Mapping[str, tuple[str, str]] = {}
        self._sorted: list[int] = []
        self._narrowed = False
        self.version = 0
        self.visible: list[int] = []
        self._places: dict[int, int] | None = None
        self.sort(column, descending=descending)

    def __len__(self) -> int:
        return len(self._numbers)

    def row(self, connection_id: str) -> ConnectionRow | None:
        number = self._numbers.get(connection_id)
        return None if number is None else self.rows[number]

    def at(self, place: int) -> ConnectionRow:
        return self.rows[self.visible[place]]

    def place(self, connection_id: str) -> int | None:
        """Return where a connection is shown; None where it is not."""
        number = self._numbers.get(connection_id)
        return None if number is None else self._place_of(number)

    def places(self, ids: Sequence[str]) -> list[int]:
        """Return where these connections are shown, in order; those that are not shown are left out."""
        self._prepare_places(len(ids))
        return sorted(place for place in map(self.place, ids) if place is not None)

    def sort(self, column: str, *, descending: bool = False) -> None:
        """Order by a column, then by name."""
        self.take_order(column, self.arrange(column, descending=descending), descending=descending)

    def arrange(self, column: str, *, descending: bool = False) -> list[int]:
        """Return every row's number in that order and change nothing: a thread may do this for a long list."""
        if column == "name":
            return self._by_name[::-1] if descending else self._by_name
        if column == "updated_at":
            stamps = list(map(_ORDERS[column].look, self.rows))
            if len(set(stamps)) < len(stamps) // _ALIKE:
                # An import leaves one stamp on all of its rows.
                return _in_buckets(self.rows, self._by_name, _ORDERS[column], descending=descending)
            return _sorted_in_chunks(list(self._by_name), stamps.__getitem__, reverse=descending)
        return _in_buckets(self.rows, self._by_name, _ORDERS[column], descending=descending)

    def take_order(self, column: str, order: list[int], *, descending: bool = False) -> None:
        """Show the rows in an order that `arrange` made while `version` was what it is now."""
        self.column, self.descending = column, descending
        self._sorted = order
        self._narrowed = False
        self.narrow(self.filters)

    def narrow(self, filters: Filters) -> None:
        """Show only what every filter lets through, in the order that holds."""
        before, self.filters = self.filters, filters
        self._places = None
        if filters.is_open():
            self.visible = self._sorted
            return
        chosen = self._sorted
        texts, words = self._texts, filters.text.casefold().split()
        typed_on = before.text and filters.text.startswith(before.text) and filters.text != before.text
        if typed_on and before[1:] == filters[1:] and self._narrowed:
            # One more letter can only take rows away from those that the letters before it left.
            chosen, known = self.visible, before.text.casefold().split()
            words = [word for word in words if word not in known]
        for word in words:
            if len(chosen) > len(texts) // 4:
                # In the order of memory, which a list in another order is not: four times as quick.
                found = [word in text for text in texts]
                chosen = list(compress(chosen, map(found.__getitem__, chosen)))
            else:
                chosen = [number for number in chosen if word in texts[number]]
        if any(filters[1:]):
            chosen = [number for number in chosen if _passes(self.rows[number], filters, self.marks)]
        self.visible = chosen
        self._narrowed = True

    def apply(self, changed: Sequence[ConnectionRow], removed: Sequence[str]) -> Change:
        """Take new, different and vanished rows; a row leaves its place only where it belongs elsewhere now."""
        self.version += 1
        self._prepare_places(len(changed))
        moved: list[int] = []
        same: list[int] = []
        for row in {row.id: row for row in changed}.values():
            number = self._numbers.get(row.id)
            if number is None:
                moved.append(self._append(row))
            else:
                (moved if self._replace(number, row) else same).append(number)
        gone = {
            number for number in (self._numbers.pop(removed_id, None) for removed_id in removed) if number is not None
        }
        if moved or gone:
            self._move([number for number in moved if number not in gone], gone)
            return Change(order=True)
        places = (self._place_of(number) for number in same)
        return Change(cells=tuple(place for place in places if place is not None))

    def values(self, column: str) -> dict[str, int]:
        """Return every value of exchange, environment or tags with how many connections have it."""
        counts: dict[str, int] = {}
        for number in self._numbers.values():
            row = self.rows[number]
            found = row.tags if column == "tags" else (getattr(row, column),)
            for value in found:
                counts[value] = counts.get(value, 0) + 1
        return counts

    def _append(self, row: ConnectionRow) -> int:
        number = len(self.rows)
        self.rows.append(row)
        self._numbers[row.id] = number
        self._texts.append(_search_text(row))
        self._names.append(row.name.casefold())
        return number

    def _replace(self, number: int, row: ConnectionRow) -> bool:
        """Put a row in place of its older self; True if it belongs elsewhere now."""
        before = self.rows[number]
        key = SORT_KEYS[self.column]
        was_visible = self._place_of(number) is not None
        self.rows[number] = row
        self._texts[number] = _search_text(row)
        self._names[number] = row.name.casefold()
        passes = self.filters.is_open() or self._lets_through(number)
        return key(before) != key(row) or before.name != row.name or passes != was_visible

    def _lets_through(self, number: int) -> bool:
        text = self._texts[number]
        words = self.filters.text.casefold().split()
        return all(word in text for word in words) and _passes(self.rows[number], self.filters, self.marks)

    def _move(self, moved: Sequence[int], gone: set[int]) -> None:
        """Take numbers out of both orders and put the moved ones where they belong now."""
        out = gone.union(moved)
        shares_ground = self._sorted is self._by_name
        self._by_name = [number for number in self._by_name if number not in out]
        if len(moved) > _FEW:
            self._by_name += moved
            # Nearly in order already, which this sort takes in one pass.
            self._by_name.sort(key=self._names.__getitem__)
            self.sort(self.column, descending=self.descending)
            return
        for number in moved:
            self._by_name.insert(self._search(self._by_name, number, None), number)
        order = self._by_name
        if not shares_ground:
            order = [number for number in self._sorted if number not in out]
            for number in moved:
                order.insert(self._search(order, number, SORT_KEYS[self.column]), number)
        self.take_order(self.column, order, descending=self.descending)

    def _search(self, order: list[int], number: int, key: Key | None) -> int:
        """Return where a number belongs in an order: by the key, up or down, then by name."""
        low, high = 0, len(order)
        while low < high:
            middle = (low + high) // 2
            if self._belongs_after(order[middle], number, key):
                high = middle
            else:
                low = middle + 1
        return low

    def _belongs_after(self, other: int, number: int, key: Key | None) -> bool:
        descending = self.descending and key is not None
        if key is not None:
            theirs, ours = key(self.rows[other]), key(self.rows[number])
            if theirs != ours:
                return (theirs < ours) if descending else (theirs > ours)  # type: ignore[operator]
            if self.column == "name":
                return False
        return self._names[other] > self._names[number]

    def _prepare_places(self, count: int) -> None:
        """Make the table of all places where `count` of them are asked for; for a few, looking is quicker."""
        if self._places is None and count > _LOOK_UPS:
            self._places = dict(zip(self.visible, range(len(self.visible)), strict=True))

    def _place_of(self, number: int) -> int | None:
        if self._places is not None:
            return self._places.get(number)
        try:
            return self.visible.index(number)
        except ValueError:
            return None


class _Buckets(dict[Any, list[int]]):
    """A bucket for each value that is looked at; values with the same key share one. `by_key` has them by key."""

    def __init__(self, key: Callable[[Any], str | int]) -> None:
        super().__init__()
        self.by_key: dict[str | int, list[int]] = {}
        self._key = key

    def __missing__(self, value: Any) -> list[int]:
        bucket = self[value] = self.by_key.setdefault(self._key(value), [])
        return bucket


def _in_buckets(rows: list[ConnectionRow], by_name: list[int], by: _Order, *, descending: bool) -> list[int]:
    buckets = _Buckets(by.key)
    bucket_of = list(map(buckets.__getitem__, map(by.look, rows)))
    for number, bucket in zip(by_name, map(bucket_of.__getitem__, by_name), strict=True):
        bucket.append(number)
    order: list[int] = []
    for key in _sorted_in_chunks(list(buckets.by_key), lambda key: key, reverse=descending):
        order += buckets.by_key[key]
    return order


def _sorted_in_chunks(values: list[T], key: Callable[[T], Any], *, reverse: bool = False) -> list[T]:
    """Sort piece by piece and then as a whole: the last sort finds sorted runs and only merges them."""
    if len(values) > _CHUNK:
        pieces = (
            sorted(values[start : start + _CHUNK], key=key, reverse=reverse) for start in range(0, len(values), _CHUNK)
        )
        values = [value for piece in pieces for value in piece]
    values.sort(key=key, reverse=reverse)
    return values


def _passes(row: ConnectionRow, filters: Filters, marks: Mapping[str, tuple[str, str]]) -> bool:
    _text, exchange, environment, state, tag = filters
    return (
        (not exchange or row.exchange == exchange)
        and (not environment or row.environment == environment)
        and (not tag or tag in row.tags)
        and (not state or _is_in(state, row, marks))
    )


def _is_in(state: str, row: ConnectionRow, marks: Mapping[str, tuple[str, str]]) -> bool:
    if state in MARKS:
        return row.id in marks and marks[row.id][0] == state
    return row.live_trade if state == "live" else state_of(row) == state


def _search_text(row: ConnectionRow) -> str:
    """Return what the search looks into; the separator cannot be typed, so no word matches across two fields."""
    parts = (row.name, row.exchange, exchange_label(row.exchange), row.account_type, row.environment, *row.tags)
    return "\n".join(parts).casefold()
