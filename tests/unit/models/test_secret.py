"""A Secret gives nothing away by accident."""

import copy
import gc
import json
import pickle

import pytest

from models.secret import SealedSecret, Secret, live_secret_values

VALUE = "correct-horse-battery"


@pytest.mark.parametrize(
    "show", [repr, str, format, "{!r}".format, "{:>30}".format, "{0!s}".format, lambda s: f"{[s]} {{'a': s}}"]
)
def test_showing_it_hides_it(show: object) -> None:
    assert VALUE not in show(Secret(VALUE))  # type: ignore[operator]


def test_it_cannot_be_pickled_copied_or_dumped() -> None:
    secret = Secret(VALUE)
    for leak in (pickle.dumps, copy.copy, copy.deepcopy, json.dumps):
        with pytest.raises(TypeError) as caught:
            leak(secret)
        assert VALUE not in str(caught.value)


def test_equal_values_are_equal_and_empty_ones_are_false() -> None:
    assert Secret(VALUE) == Secret(VALUE)
    assert Secret(VALUE) != Secret("other")
    assert Secret(VALUE) != VALUE
    assert not Secret("")


def test_the_redactor_knows_the_living_and_forgets_the_dead() -> None:
    first, second = Secret(VALUE), Secret(VALUE)
    del first
    gc.collect()
    assert VALUE in set(live_secret_values())
    del second
    gc.collect()
    assert VALUE not in set(live_secret_values())


def test_a_token_stays_out_of_logs() -> None:
    token = SealedSecret("cts1.k.AAAA")
    assert "AAAA" not in repr({"api_key": token})
    assert json.dumps(token) == '"cts1.k.AAAA"'
