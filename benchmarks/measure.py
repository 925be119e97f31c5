"""Measure in turns and report ratios: a noisy machine is noisy for the floor too."""

import gc
import statistics
import time
from collections.abc import Callable, Mapping

Run = Callable[[], object]


def seconds(run: Run) -> float:
    """Return how long one call takes; its own return value, where it is a float, is taken instead."""
    gc.collect()
    started = time.perf_counter()
    result = run()
    elapsed = time.perf_counter() - started
    return result if isinstance(result, float) else elapsed


def in_turns(runs: Mapping[str, Run], rounds: int = 9) -> dict[str, float]:
    """Call every run once a round, A B A B, after one round that does not count; return the medians in seconds."""
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(rounds + 1):
        for name, run in runs.items():
            elapsed = seconds(run)
            if turn:
                taken[name].append(elapsed)
    return {name: statistics.median(values) for name, values in taken.items()}


def report(title: str, medians: Mapping[str, float], floor: str, bars: Mapping[str, float] | None = None) -> None:
    """Print each median in milliseconds and as a ratio to `floor`; `bars` are the ratios not to be passed."""
    print(f"\n{title}")
    for name, median in medians.items():
        ratio = median / medians[floor]
        bar = (bars or {}).get(name)
        verdict = "" if bar is None else f"   bar {bar:.2f} {'ok' if ratio <= bar else 'MISSED'}"
        print(f"  {name:<44} {median * 1000:10.3f} ms  x{ratio:6.2f}{verdict}")
