"""Which of many backups to keep: the newest, and of the others those that spread over hours, days and weeks."""

from collections.abc import Sequence
from typing import Final

OLDEST: Final = 90 * 86_400.0
"""Seconds. A backup older than this goes first: the oldest one would stay for ever otherwise."""
_YOUNG: Final = 60.0
_AT_ONCE: Final = 3_600.0
"""Of backups that were all made within this time, the newest are worth most."""


def superfluous(ages: Sequence[float], keep: int) -> list[int]:
    """Return the places of those to remove from `ages` (seconds, the newest first) so that `keep` are left.

    The one goes whose neighbours are closest to each other, measured by its age: so the gaps between those that stay
    grow with their age. Ages that contradict the order come from a clock that was set; they count as no gap.
    """
    left = list(range(len(ages)))
    gone = []
    while len(left) > keep:
        old = [index for index in left[1:] if ages[index] > OLDEST]
        last = left[-1] if len(left) > 1 else left[0]
        if old:
            chosen = old[-1]
        elif keep < 2 or len(left) <= 2 or ages[last] - ages[left[0]] < _AT_ONCE:
            chosen = last
        else:
            chosen = min(left[1:-1], key=lambda index: _room(ages, left, index))
        left.remove(chosen)
        gone.append(chosen)
    return sorted(gone)


def _room(ages: Sequence[float], left: Sequence[int], index: int) -> float:
    place = left.index(index)
    gap = ages[left[place + 1]] - ages[left[place - 1]]
    return max(gap, 0.0) / max(ages[index], _YOUNG)
