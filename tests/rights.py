"""Faults that take rights (root, a mount, a network namespace), and machines that do not give them.

No test is skipped for it. Where the real fault is not to be had, a test injects a milder one of the same kind and says
so in the summary of the run; with CTS_REAL_FAULTS=1, as in CI, it fails instead.
"""

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

VARIABLE = "CTS_REAL_FAULTS"
PROPERTY = "stand-in"
_said: list[str] = []


def may_give_away(otherwise: str) -> bool:
    """Tell whether this user may make a file another user's; `otherwise` says what happens instead."""
    root = os.geteuid() == 0
    if not root:
        stands_in("a file of another user", "this is not root", otherwise)
    return root


def mounted(folder: Path, options: str, otherwise: str = "") -> bool:
    """Mount a disk of memory at `folder` and tell whether that was possible; `otherwise` says what happens instead.

    A test that has nothing else to offer fails where there is no disk, with the reason.
    """
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        why = done.stderr.strip().partition("\n")[0] if done.returncode else ""
    except OSError as error:
        why = str(error)
    if why:
        assert otherwise, f"This test mounts a small disk, which takes root on Linux: {why}. CI runs it as root."
        stands_in("a small disk", why, otherwise)
    return not why


def stands_in(fault: str, why: str, otherwise: str) -> None:
    """Say that something milder takes the place of a fault, or fail where the real one is asked for."""
    text = f"{fault}: {why}. Instead: {otherwise}."
    assert not os.environ.get(VARIABLE), f"{VARIABLE} asks for {text} As root on Linux it can be had."
    _said.append(text)


def what_stood_in() -> list[str]:
    """Return what was said since the last question."""
    said, _said[:] = list(_said), []
    return said


def in_words(stood_in: Iterable[tuple[str, str]]) -> list[str]:
    """Return the lines of the summary: what stood in, each with the tests that wanted the real fault."""
    tests: dict[str, set[str]] = {}
    for text, test in stood_in:
        tests.setdefault(text, set()).add(test)
    lines = [line for text in sorted(tests) for line in (text, *(f"    {test}" for test in sorted(tests[text])))]
    if lines:
        lines.append(f"As root on Linux they are the real ones; {VARIABLE}=1 makes these tests fail, as in CI.")
    return lines
