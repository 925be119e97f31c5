"""One look at a PostgreSQL before anything depends on it: may we work there, and what is there already?"""

from contextlib import closing
from typing import NamedTuple

import psycopg2

from models.problem import Category, Problem, StoreError
from storage.postgresql.address import Address
from storage.postgresql.failure import problem_of
from storage.postgresql.session import BEGIN_TEXT, connect

_LOOK = (
    "SELECT current_setting('server_version'), to_regclass('exchange_connections') IS NOT NULL, "
    "has_schema_privilege(coalesce(current_schema(), 'public'), 'CREATE'), pg_is_in_recovery(), "
    "current_setting('transaction_read_only') = 'on', current_schema() IS NOT NULL"
)


class Visit(NamedTuple):
    """`connections` is None where the list is not there yet; `problem` would keep us from working there."""

    server_version: str
    connections: int | None
    sentence: str
    problem: Problem | None = None


def visit(address: Address) -> Visit:
    """Connect within the deadlines, look, and leave without a trace. Raises StoreError."""
    try:
        session = connect(address)
    except psycopg2.Error as error:
        raise StoreError(problem_of(error, address, closed=True)) from None
    with closing(session):
        try:
            return _look_around(session, address)
        except psycopg2.Error as error:
            raise StoreError(problem_of(error, address, closed=session.closed != 0)) from None


def _look_around(session: "psycopg2.extensions.connection", address: Address) -> Visit:
    with session.cursor() as cursor:
        cursor.execute(f"{BEGIN_TEXT}; {_LOOK}")
        version, has_list, may_create, standby, read_only, has_schema = cursor.fetchone() or ("", *(False,) * 5)
        connections = None
        if has_list:
            cursor.execute("SELECT count(*) FROM exchange_connections")
            connections = int((cursor.fetchone() or (0,))[0])
        cursor.execute("ROLLBACK")
    problem = None
    if standby or read_only:
        text = f"The database at {address.masked()} is read-only{' (a standby)' if standby else ''}."
        problem = Problem(Category.READ_ONLY, text, "Name the primary server, or ask for write access.")
    elif not has_list and not (may_create and has_schema):
        text = f"{address.user} may not create tables in the database {address.database}."
        problem = Problem(Category.NO_PRIVILEGE, text, "Ask its administrator for: GRANT CREATE ON SCHEMA public.")
    return Visit(str(version), connections, _sentence(str(version), connections), problem)


def _sentence(version: str, connections: int | None) -> str:
    there = "it has no connections table yet; the first start makes it"
    if connections is not None:
        there = f"it holds {connections:,} {'connection' if connections == 1 else 'connections'}"
    return f"PostgreSQL {version} answers; {there}."
