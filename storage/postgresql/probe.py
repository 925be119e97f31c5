"""What a failed connect really was. psycopg2 has no SQLSTATE for it, but libpq can be told to say it.

`PQsetErrorVerbosity(conn, PQERRORS_SQLSTATE)` (PostgreSQL manual, 34.11) before the server's answer is read makes
libpq's message the five-character code. It has to be set while an asynchronous connect is under way.
"""

import ctypes
import re
import time
from typing import Any

import psycopg2
from psycopg2.extensions import POLL_OK

from storage.postgresql.address import Address
from storage.postgresql.deadline import PROBE_SECONDS, wait_for_socket

_SQLSTATE_VERBOSITY = 3
_CODE = re.compile(r"\b([0-9A-Z]{5})\s*$", re.MULTILINE)


def probe_sqlstate(address: Address, seconds: float = PROBE_SECONDS) -> str:
    """Connect once more and return the SQLSTATE with which the server refuses; "" where it gives none or lets us in."""
    deadline = time.monotonic() + seconds
    attempt: Any = None
    try:
        # One host at a time would hide which one refused; libpq's first answer is as good as any.
        words: dict[str, Any] = {**address.keywords(), "async_": True}
        attempt = psycopg2.connect(**words)
        _ask_for_codes(attempt)
        while (state := attempt.poll()) != POLL_OK:
            wait_for_socket(attempt.fileno(), state, deadline)
    except psycopg2.Error as error:
        return _code_in(str(error))
    finally:
        if attempt is not None:
            attempt.close()
    return ""


def _ask_for_codes(attempt: Any) -> None:
    # The symbol is looked up through the extension itself, so that it is the very libpq that it was linked with.
    try:
        set_verbosity = ctypes.CDLL(psycopg2._psycopg.__file__).PQsetErrorVerbosity
    except (OSError, AttributeError):
        return  # a build that hides libpq: the text has to do
    set_verbosity.argtypes = [ctypes.c_void_p, ctypes.c_int]
    set_verbosity(attempt.pgconn_ptr, _SQLSTATE_VERBOSITY)


def _code_in(message: str) -> str:
    found = _CODE.search(message)
    return found.group(1) if found else ""
