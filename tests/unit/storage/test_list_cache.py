"""The list is read once for all who ask at the same time, and anew after a change."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from models.connection_row import ConnectionRow
from storage.list_cache import ListCache

ROW = ConnectionRow(
    "c1", "One", "bybit", "unified", "live", True, False, False, False, False, (), "", False, False, False, 1, ""
)


def test_who_asks_while_another_reads_gets_what_that_one_reads() -> None:
    cache, reads, asked, goes_on = ListCache(), 0, Event(), Event()

    def read() -> list[ConnectionRow]:
        nonlocal reads
        reads += 1
        asked.set()
        assert goes_on.wait(10)
        return [ROW]

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(cache.rows, read)
        assert asked.wait(10)
        second = threads.submit(cache.rows, read)
        goes_on.set()
        assert first.result() == second.result() == [ROW]
    assert reads == 1


def test_a_change_while_it_is_read_is_read_after_that() -> None:
    cache = ListCache()

    def read_and_change() -> list[ConnectionRow]:
        cache.drop()
        return []

    assert cache.rows(read_and_change) == []
    assert cache.rows(lambda: [ROW]) == [ROW]


def test_a_reading_that_failed_keeps_nobody_from_the_next() -> None:
    cache = ListCache()

    def fail() -> list[ConnectionRow]:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        cache.rows(fail)
    assert cache.rows(lambda: [ROW]) == [ROW]
