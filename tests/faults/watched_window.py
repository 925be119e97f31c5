"""The window of `benchmarks loop` with a watch over its loop: `python -m tests.faults.watched_window DATA CHANGES`.

What blocked the loop is told on standard error, and makes it end with 70.
"""

import sys

from benchmarks.loop import run_window
from tests.loop_watch import blocking_calls, watch


def main() -> int:
    watch()
    code = run_window(sys.argv[1], int(sys.argv[2]))
    found = blocking_calls()
    print("\n".join(found), file=sys.stderr)
    return 70 if found else code


if __name__ == "__main__":
    sys.exit(main())
