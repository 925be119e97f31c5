"""F14, F15: the network swallows packets, resets connections, cuts messages or is slower than slow."""

import threading
import time

import pytest

from models.problem import Category
from tests.bare_postgres import wait_until
from tests.black_hole import black_hole
from tests.outages import Shared
from tests.proxy import Proxy

ERROR_SECONDS = 9.0


def test_f14_a_black_hole_at_every_moment(shared: Shared) -> None:
    """Before a connect, before what was sent is acknowledged, and after it was, while the answer is awaited."""
    with black_hole(shared.server) as hole:
        place = f"{hole.host}:{hole.port}"
        desk = shared.desk(url=shared.url(place))
        desk.add("Before")
        assert desk.is_home

        # What is sent is never acknowledged.
        hole.swallow()
        began = time.monotonic()
        desk.add("Not acknowledged")
        assert time.monotonic() - began < ERROR_SECONDS, hole.kind
        assert desk.category() is Category.UNREACHABLE

        # A program that starts meanwhile connects in vain.
        other = shared.desk("other", url=shared.url(place), connect_wait=0.5)
        assert other.is_away
        other.add("From the other")
        wait_until(lambda: other.category() is Category.UNREACHABLE, ERROR_SECONDS)
        hole.mend()
        desk.wait_home()
        other.wait_home()
        assert shared.names() == ["Before", "From the other", "Not acknowledged"]

        # The server has the question, and its answer never comes.
        shared.sql(
            "CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " PERFORM pg_sleep(1); RETURN NEW; END $$",
            "CREATE TRIGGER slowly BEFORE INSERT ON exchange_connections FOR EACH ROW"
            " WHEN (NEW.name = 'Acknowledged') EXECUTE FUNCTION slowly()",
        )
        saving = threading.Thread(target=desk.add, args=("Acknowledged",))
        saving.start()
        wait_until(lambda: bool(shared.sql("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'")))
        began = time.monotonic()
        hole.swallow()
        saving.join(ERROR_SECONDS)
        assert not saving.is_alive(), hole.kind
        assert desk.is_away
        hole.mend()
        # The server holds what it has of us until it finds nobody at the other end.
        desk.wait_home(40)
        assert "Acknowledged" in shared.names()
        assert len(shared.names()) == 4


def test_f14_an_idle_desk_is_closed_in_time_behind_a_black_hole(shared: Shared) -> None:
    with black_hole(shared.server) as hole:
        desk = shared.desk(url=shared.url(f"{hole.host}:{hole.port}"))
        desk.add("Before")
        hole.swallow()
        began = time.monotonic()
        desk.store.close()
        assert time.monotonic() - began < 4
    assert shared.names() == ["Before"]


def test_f15_a_reset_connection(shared: Shared, proxy: Proxy) -> None:
    desk = shared.desk(url=shared.url(f"127.0.0.1:{proxy.port}"))
    desk.add("Before")
    proxy.refuse()
    desk.add("During")
    assert desk.is_away
    assert desk.category() in {Category.LOST, Category.SERVER_DOWN}
    assert desk.names() == ["Before", "During"]
    proxy.mend()
    desk.come_home()
    assert shared.names() == ["Before", "During"]


@pytest.mark.parametrize("count", [1, 40])
def test_f15_an_answer_that_is_cut_in_the_middle(shared: Shared, proxy: Proxy, count: int) -> None:
    """Within its head, and within the values."""
    desk = shared.desk(url=shared.url(f"127.0.0.1:{proxy.port}"))
    desk.add("Before")
    proxy.cut_answer_after(count)
    assert desk.get("Before").name == "Before"
    desk.add("During")
    proxy.mend()
    desk.come_home()
    assert shared.names() == ["Before", "During"]
    assert shared.sql("SELECT count(*) FROM applied_operations") == [(2,)]


def test_f15_one_byte_a_second_counts_as_no_answer(shared: Shared, proxy: Proxy) -> None:
    desk = shared.desk(url=shared.url(f"127.0.0.1:{proxy.port}"))
    desk.add("Before")
    proxy.trickle()
    began = time.monotonic()
    desk.add("During")
    assert time.monotonic() - began < ERROR_SECONDS
    assert desk.category() is Category.UNREACHABLE
    assert desk.names() == ["Before", "During"]
    proxy.mend()
    desk.come_home()
    assert shared.names() == ["Before", "During"]
