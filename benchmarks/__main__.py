"""Run every measure, or those named: `python -m benchmarks start storage`."""

import importlib
import sys

ALL = (
    "start",
    "commands",
    "list",
    "log",
    "storage",
    "json_store",
    "postgresql",
    "migrations",
    "whole_stores",
    "growth",
    "loop",
    "endurance",
)


def main() -> int:
    for name in sys.argv[1:] or ALL:
        importlib.import_module(f"benchmarks.{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
