"""When the database counts as lost, when it is tried again, and when it counts as back. Pure: the clock is handed in.

A person's retry begins the back-off anew. Where only a person can mend it (a password, a certificate, a name), nothing
is tried by itself.
"""

import time
from collections.abc import Callable
from typing import Final

from models.problem import Category

FIRST_SECONDS: Final = 1.0
FACTOR: Final = 1.6
SPREAD: Final = 0.2
LONGEST_SECONDS: Final = 60.0
COUNTED: Final = 3
WITHIN_SECONDS: Final = 30.0
GOOD_PROBES: Final = 2
BETWEEN_PROBES: Final = 2.0

AT_ONCE: Final = frozenset(
    {
        Category.LOST,
        Category.UNREACHABLE,
        Category.SERVER_DOWN,
        Category.DNS,
        Category.STARTING,
        Category.TOO_MANY,
        Category.NO_PRIVILEGE,
        Category.READ_ONLY,
        Category.SERVER_DISK,
        Category.SERVER_IO,
        Category.CORRUPT,
        Category.IO,
        Category.CANT_OPEN,
        Category.UNKNOWN,
    }
)
"""One of these is enough. UNREACHABLE is: whoever gave no sign for a whole call gives none to the next either."""
AFTER_SOME: Final = frozenset({Category.SLOW, Category.BUSY, Category.CONTENTION})
BY_A_PERSON: Final = frozenset(
    {
        Category.AUTH,
        Category.AUTH_POLICY,
        Category.MISSING_DB,
        Category.TLS,
        Category.CONFIG,
        Category.FENCE,
        Category.LOCKED,
        Category.PASSPHRASE,
    }
)
"""No try comes by itself: a wrong password tried again and again locks an account."""


def _chance() -> float:
    import random

    return random.random()  # noqa: S311 - only to part two desktops


class Breaker:
    """Closed while the database is used, open while it is not. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, chance: Callable[[], float] = _chance) -> None:
        self._clock = clock
        self._chance = chance
        self._failures: list[float] = []
        self._pause = FIRST_SECONDS
        self._next: float | None = None
        self._good = 0
        self._needed = GOOD_PROBES
        self.is_open = False

    def failed(self, category: Category, times: int = 1) -> bool:
        """Note a failed call or probe; return whether the breaker is open now. Other categories change nothing.

        `times`: so often it was tried, all within the seconds that count.
        """
        if category in AFTER_SOME and not self.is_open:
            now = self._clock()
            self._failures = [each for each in self._failures if now - each < WITHIN_SECONDS] + [now] * times
            if len(self._failures) < COUNTED:
                return False
        elif category not in AT_ONCE | AFTER_SOME | BY_A_PERSON:
            return self.is_open
        self.open(category)
        return True

    def open(self, category: Category) -> None:
        """Open, or stay open for longer."""
        if not self.is_open:
            self._pause = FIRST_SECONDS
        self.is_open = True
        self._good = 0
        self._needed = GOOD_PROBES
        self._failures.clear()
        if category in BY_A_PERSON:
            self._next = None
            return
        self._next = self._clock() + self._pause * (1 + SPREAD * (2 * self._chance() - 1))
        self._pause = min(self._pause * FACTOR, LONGEST_SECONDS / (1 + SPREAD))

    def good_probe(self) -> bool:
        """Note a good probe; return whether there were enough. Whoever is home again then closes the breaker:

        a server that answers and refuses what waits must not be tried every few seconds.
        """
        self._good += 1
        self._next = self._clock() + BETWEEN_PROBES
        return self._good >= self._needed

    def close(self) -> None:
        self.is_open = False
        self._failures.clear()
        self._next = None
        self._pause = FIRST_SECONDS

    def hurry(self) -> None:
        """Try now, and believe the first good probe: a person asks."""
        if self.is_open:
            self._pause = FIRST_SECONDS
            self._next = self._clock()
            self._needed = 1

    @property
    def due_in(self) -> float | None:
        """Seconds to the next try, 0 when it is due; None where none comes by itself."""
        return None if self._next is None else max(0.0, self._next - self._clock())
