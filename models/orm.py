"""Peewee without the PostgreSQL driver, until PostgreSQL is asked for.

Peewee imports psycopg2 by itself wherever that is installed: 9 MB with libpq and its own libcrypto, and 40 ms, of
which a database in a file has no use. So Peewee is imported as if there were none, and gets it with the first
PostgreSQL database.
"""

import sys

_ALREADY = "peewee" in sys.modules or "psycopg2" in sys.modules
if not _ALREADY:
    # None is how Python's import system writes "there is no such module".
    sys.modules["psycopg2"] = None  # type: ignore[assignment]
try:
    import peewee as pw
finally:
    if not _ALREADY:
        del sys.modules["psycopg2"]

__all__ = ["give_driver", "pw"]


def give_driver() -> None:
    """Let Peewee have psycopg2, as its own import would have done."""
    import psycopg2
    from psycopg2 import extensions, extras

    if vars(pw)["psycopg2"] is not None:
        return
    # What Peewee's module and its adapter take from the driver while they are imported.
    adapter = vars(pw)["Psycopg2Adapter"]
    adapter.txn_idle = extensions.TRANSACTION_STATUS_IDLE
    adapter.txn_inerror = extensions.TRANSACTION_STATUS_INERROR
    adapter.txn_unknown = extensions.TRANSACTION_STATUS_UNKNOWN
    extras.register_uuid()  # type: ignore[no-untyped-call]
    vars(pw).update(pg_extensions=extensions, pg_register_uuid=extras.register_uuid, Json_pg2=extras.Json)
    vars(pw)["psycopg2"] = psycopg2
