"""F27: a server that comes and goes every three seconds, twenty times: no storm of connects, and nothing is lost."""

import time
from bisect import bisect_left

from tests.faults.test_restarted_server import everything_is_there_once, working
from tests.outages import Shared
from tests.proxy import Proxy

FLAPS = 20
BURST = 10
"""The first connects of a program may come at once, and those of several sessions that died together."""


def busiest(moments: list[float], seconds: float) -> int:
    """Return the most moments that lie in any stretch of so many seconds."""
    return max(bisect_left(moments, moment + seconds) - number for number, moment in enumerate(moments))


def test_f27_a_flapping_server_causes_no_storm(shared: Shared) -> None:
    proxy = Proxy(shared.server.port)
    desk = shared.desk(url=shared.url(f"127.0.0.1:{proxy.port}"))
    began = time.monotonic()
    with working(desk, pause=0.3) as saved:
        for _ in range(FLAPS):
            proxy.refuse()
            time.sleep(1.5)
            proxy.mend()
            time.sleep(1.5)
    seconds = time.monotonic() - began
    # P6, although the last return may have come in the middle of a long pause.
    desk.wait_home(70)
    assert len(saved) > FLAPS
    assert len(proxy.connects) <= seconds + BURST
    assert busiest(sorted(proxy.connects), 10) <= 10 + BURST
    everything_is_there_once(shared, saved)
    # It was said once each time that the database was lost, and not at every try.
    assert len([text for text in desk.warnings() if "Work goes on" in text]) <= FLAPS
    proxy.close()
