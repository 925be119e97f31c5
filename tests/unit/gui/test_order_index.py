"""The order index against the plain way: sort everything, filter everything, after any change."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gui.connections.order_index import SORT_KEYS, Filters, OrderIndex
from models.connection_row import ConnectionRow

NAMES = st.text(alphabet="aAbBß z<&é1", min_size=1, max_size=4)
ROWS = st.fixed_dictionaries(
    {
        "name": NAMES,
        "exchange": st.sampled_from(["bybit", "okx", "gateio"]),
        "environment": st.sampled_from(["live", "demo"]),
        "enabled": st.booleans(),
        "live_trade": st.booleans(),
        "tags": st.sampled_from([(), ("a",), ("a", "grid"), ("Grid",)]),
        "api_key_set": st.booleans(),
        "updated_at": st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "2025-06-01T00:00:00Z"]),
    }
)
FILTERS = st.builds(
    Filters,
    text=st.sampled_from(["", "a", "A", "b a", "okx", "grid", "ss"]),
    exchange=st.sampled_from(["", "okx"]),
    environment=st.sampled_from(["", "live"]),
    state=st.sampled_from(["", "enabled", "disabled", "incomplete", "live"]),
    tag=st.sampled_from(["", "a"]),
)
COLUMNS = st.sampled_from(list(SORT_KEYS))


def make_row(number: int, values: dict[str, Any]) -> ConnectionRow:
    defaults = {
        "account_type": "spot",
        "active": False,
        "preset_trade": False,
        "predefined": False,
        "color": "",
        "api_secret_set": True,
        "api_passphrase_set": False,
        "revision": 1,
    }
    return ConnectionRow(id=f"{number:04}", **{**defaults, **values})


def shown(index: OrderIndex) -> list[ConnectionRow]:
    return [index.at(place) for place in range(len(index.visible))]


def values(rows: list[ConnectionRow], column: str) -> list[tuple[Any, str]]:
    """What decides the order: rows that are alike in it may stand either way."""
    return [(SORT_KEYS[column](row), row.name.casefold()) for row in rows]


def plainly(rows: list[ConnectionRow], column: str, filters: Filters, *, descending: bool) -> list[ConnectionRow]:
    fresh = OrderIndex(rows)
    kept = [row for row in rows if _passes(row, filters)]
    assert len(fresh) == len(rows)
    kept.sort(key=lambda row: row.name.casefold(), reverse=descending and column == "name")
    return sorted(kept, key=SORT_KEYS[column], reverse=descending)


def _passes(row: ConnectionRow, filters: Filters) -> bool:
    one = OrderIndex([row])
    one.narrow(filters)
    return bool(one.visible)


@settings(max_examples=150, deadline=None)
@given(st.lists(ROWS, max_size=12), COLUMNS, st.booleans(), st.lists(FILTERS, min_size=1, max_size=3))
def test_sort_and_filter(made: list[dict[str, Any]], column: str, descending: bool, steps: list[Filters]) -> None:
    rows = [make_row(number, each) for number, each in enumerate(made)]
    index = OrderIndex(rows)
    index.sort(column, descending=descending)
    for filters in steps:
        index.narrow(filters)
    expected = plainly(rows, column, steps[-1], descending=descending)
    assert values(shown(index), column) == values(expected, column)
    assert sorted(row.id for row in shown(index)) == sorted(row.id for row in expected)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(ROWS, max_size=8),
    st.lists(st.tuples(st.integers(0, 11), ROWS), max_size=6),
    st.sets(st.integers(0, 11), max_size=3),
    COLUMNS,
    st.booleans(),
    FILTERS,
)
def test_changes_give_the_same_list_as_reading_it_again(
    made: list[dict[str, Any]],
    edits: list[tuple[int, dict[str, Any]]],
    gone: set[int],
    column: str,
    descending: bool,
    filters: Filters,
) -> None:
    rows = {f"{number:04}": make_row(number, each) for number, each in enumerate(made)}
    index = OrderIndex(list(rows.values()))
    index.sort(column, descending=descending)
    index.narrow(filters)
    changed = [make_row(number, each) for number, each in edits]
    index.apply(changed, [])
    rows |= {row.id: row for row in changed}
    removed = [f"{number:04}" for number in gone]
    index.apply([], removed)
    for row_id in removed:
        rows.pop(row_id, None)
    expected = plainly(list(rows.values()), column, filters, descending=descending)
    assert values(shown(index), column) == values(expected, column)
    assert {row.id: row for row in shown(index)} == {row.id: row for row in expected}
    assert len(index) == len(rows)
    assert all(index.place(row.id) == place for place, row in enumerate(shown(index)))


def test_a_change_that_moves_nothing_names_its_cells_only() -> None:
    rows = [make_row(number, {**PLAIN, "name": f"n{number}"}) for number in range(5)]
    index = OrderIndex(rows)
    change = index.apply([rows[3]._replace(revision=2)], [])
    assert (change.cells, change.order) == ((3,), False)
    assert index.at(3).revision == 2


def test_a_hidden_row_changes_quietly() -> None:
    rows = [make_row(number, {**PLAIN, "name": f"n{number}"}) for number in range(3)]
    index = OrderIndex(rows)
    index.narrow(Filters("n1"))
    assert index.apply([rows[2]._replace(revision=2)], []).cells == ()
    assert index.row("0002") == rows[2]._replace(revision=2)


def test_many_changes_at_once_are_sorted_in() -> None:
    rows = [make_row(number, {**PLAIN, "name": f"n{number:05}"}) for number in range(300)]
    index = OrderIndex(rows)
    index.apply([row._replace(name=row.name[::-1]) for row in rows], [])
    names = [row.name for row in shown(index)]
    assert names == sorted(names)


def test_a_long_list_is_sorted_in_pieces_and_right() -> None:
    rows = [make_row(number, {**PLAIN, "name": f"{(number * 7919) % 20_000:05}"}) for number in range(20_000)]
    index = OrderIndex(rows)
    names = [row.name for row in shown(index)]
    assert names == sorted(names)


def test_counts_for_the_filters() -> None:
    rows = [make_row(0, {**PLAIN, "tags": ("a", "b")}), make_row(1, {**PLAIN, "tags": ("a",)})]
    assert OrderIndex(rows).values("tags") == {"a": 2, "b": 1}


PLAIN: dict[str, Any] = {
    "name": "n",
    "exchange": "bybit",
    "environment": "live",
    "enabled": True,
    "live_trade": False,
    "tags": (),
    "api_key_set": True,
    "updated_at": "2026-01-01T00:00:00Z",
}
