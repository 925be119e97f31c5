"""The breaker's numbers, on a clock that is moved by hand (F43: no other clock has a say)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.problem import Category
from storage.breaker import AT_ONCE, BY_A_PERSON, LONGEST_SECONDS, Breaker


class Clock:
    def __init__(self) -> None:
        self.now = 5.0

    def __call__(self) -> float:
        return self.now


def breaker(chance: float = 0.5) -> tuple[Breaker, Clock]:
    clock = Clock()
    return Breaker(clock, lambda: chance), clock


@pytest.mark.parametrize("category", sorted(AT_ONCE))
def test_a_lost_database_opens_it_at_once_and_is_tried_again_in_a_second(category: Category) -> None:
    tried, _ = breaker()
    assert tried.failed(category)
    assert tried.is_open
    assert tried.due_in == 1.0


@pytest.mark.parametrize("category", [Category.SLOW, Category.BUSY, Category.CONTENTION])
def test_locks_and_time_outs_open_it_after_three_within_thirty_seconds(category: Category) -> None:
    tried, clock = breaker()
    assert not tried.failed(category)
    clock.now += 16
    assert not tried.failed(category)
    clock.now += 16
    assert not tried.failed(category)
    clock.now += 1
    assert tried.failed(category)


@pytest.mark.parametrize("category", [Category.CONSTRAINT, Category.DATA, Category.CONFLICT, Category.NOT_FOUND])
def test_what_is_wrong_with_a_value_never_opens_it(category: Category) -> None:
    tried, _ = breaker()
    assert not any(tried.failed(category) for _ in range(100))


@pytest.mark.parametrize("category", sorted(BY_A_PERSON))
def test_what_a_person_must_mend_is_not_tried_by_itself(category: Category) -> None:
    tried, clock = breaker()
    assert tried.failed(category)
    assert tried.due_in is None
    clock.now += 1e9
    assert tried.due_in is None
    tried.hurry()
    assert soon(tried) == 0
    assert tried.good_probe()


def soon(tried: Breaker) -> float | None:
    """Ask anew: a type checker believes that what was None stays None."""
    return tried.due_in


def test_the_pause_grows_by_a_factor_up_to_a_minute() -> None:
    tried, _ = breaker()
    pauses = []
    for _ in range(12):
        tried.open(Category.SERVER_DOWN)
        pauses.append(tried.due_in or 0.0)
    assert pauses[:4] == pytest.approx([1, 1.6, 2.56, 4.096])
    assert max(pauses) <= LONGEST_SECONDS
    assert pauses[-1] == pauses[-2]


@given(st.floats(0, 1), st.integers(1, 30))
def test_the_pause_is_spread_by_a_fifth_and_never_longer_than_a_minute(chance: float, failures: int) -> None:
    tried, _ = breaker(chance)
    even, _ = breaker()
    for _ in range(failures):
        tried.open(Category.LOST)
        even.open(Category.LOST)
    assert tried.due_in is not None
    assert even.due_in is not None
    assert 0.79 * even.due_in <= tried.due_in <= min(1.21 * even.due_in, LONGEST_SECONDS + 0.01)


def test_it_closes_after_two_good_probes_two_seconds_apart() -> None:
    tried, clock = breaker()
    tried.failed(Category.LOST)
    assert not tried.good_probe()
    assert tried.is_open
    assert tried.due_in == 2.0
    clock.now += 2
    assert soon(tried) == 0
    assert tried.good_probe()
    # Whoever is home then says so; until that it may still be refused.
    tried.close()
    assert soon(tried) is None
    assert not tried.failed(Category.DATA)


def test_a_bad_probe_between_two_good_ones_begins_anew() -> None:
    tried, _ = breaker()
    tried.failed(Category.LOST)
    tried.good_probe()
    tried.open(Category.LOST)
    assert not tried.good_probe()
    assert tried.good_probe()


def test_closing_forgets_how_long_it_was_open() -> None:
    tried, _ = breaker()
    for _ in range(9):
        tried.open(Category.LOST)
    tried.close()
    tried.failed(Category.LOST)
    assert tried.due_in == 1.0
