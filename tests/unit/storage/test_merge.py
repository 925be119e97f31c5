"""The three-way merge by units: nothing is lost, nothing is mixed, on any three versions."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from models.connection import EDITABLE
from storage.merge import UNITS, changes, merge

# Few values, so that the three sides often agree by chance.
values = st.fixed_dictionaries({name: st.sampled_from(["a", "b", "c"]) for name in EDITABLE})


def of(unit: tuple[str, ...], side: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(side[name] for name in unit)


def test_every_editable_field_is_in_exactly_one_unit() -> None:
    assert sorted(name for unit in UNITS for name in unit) == sorted(EDITABLE)


@given(values, values, values)
def test_a_unit_comes_whole_from_one_side(base: dict[str, Any], mine: dict[str, Any], theirs: dict[str, Any]) -> None:
    merged = merge(base, mine, theirs)
    for unit in UNITS:
        assert of(unit, merged.values) in (of(unit, mine), of(unit, theirs))


@given(values, values, values)
def test_no_edit_is_lost_without_being_named(
    base: dict[str, Any], mine: dict[str, Any], theirs: dict[str, Any]
) -> None:
    merged = merge(base, mine, theirs)
    for unit in UNITS:
        for side in (mine, theirs):
            changed = of(unit, side) != of(unit, base)
            assert not changed or of(unit, merged.values) == of(unit, side) or unit in merged.conflicts


@given(values, values, values)
def test_the_order_of_arrival_does_not_matter(
    base: dict[str, Any], mine: dict[str, Any], theirs: dict[str, Any]
) -> None:
    one, other = merge(base, mine, theirs), merge(base, theirs, mine)
    assert one.conflicts == other.conflicts
    for unit in UNITS:
        if unit not in one.conflicts:
            assert of(unit, one.values) == of(unit, other.values)
        else:
            assert of(unit, one.values) == of(unit, theirs)


@given(values, values, values)
def test_merging_again_changes_nothing(base: dict[str, Any], mine: dict[str, Any], theirs: dict[str, Any]) -> None:
    merged = merge(base, mine, theirs)
    assert merge(base, mine, merged.values).values == merged.values


@given(values, values)
def test_alone_a_change_is_taken_as_it_is(base: dict[str, Any], mine: dict[str, Any]) -> None:
    merged = merge(base, mine, base)
    assert merged.values == mine
    assert not merged.conflicts
    assert {**base, **changes(base, mine)} == mine
