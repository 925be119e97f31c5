"""How the process ends while a thread of ours may still run: the interpreter must not be taken down under it."""

import os
import sys
import threading

_PATIENCE = 1.0
"""Seconds for a thread that is importing to come to its end."""


def end_with(thread: threading.Thread, code: int) -> None:
    """Wait for a thread that is about to finish; one that does not ends together with the process, at once."""
    if thread.ident is not None:
        thread.join(_PATIENCE)
        if thread.is_alive():
            leave_now(code)


def leave_now(code: int) -> None:
    """End the process without the interpreter's own end, which would wait for locks that a stuck thread holds."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    os._exit(code)
