"""A Secret gives nothing away by accident."""

import copy
import gc
import json
import pickle
import sys
import threading

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


def test_the_redactor_may_look_while_other_threads_make_secrets() -> None:
    """It failed then, and an error in the hook for errors makes Python print the first one in clear."""
    stop = threading.Event()

    def make() -> None:
        while not stop.is_set():
            assert len([Secret(f"value {number}") for number in range(50)]) == 50

    before = sys.getswitchinterval()
    threads = [threading.Thread(target=make) for _ in range(2)]
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        kept = Secret(VALUE)
        for _ in range(3_000):
            assert kept.reveal() in set(live_secret_values())
    finally:
        stop.set()
        sys.setswitchinterval(before)
        for thread in threads:
            thread.join()


def test_a_token_stays_out_of_logs() -> None:
    token = SealedSecret("cts1.k.AAAA")
    assert "AAAA" not in repr({"api_key": token})
    assert json.dumps(token) == '"cts1.k.AAAA"'
