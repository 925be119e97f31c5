"""A connection as a list shows it: light, without secrets, cheap to import and to make 100,000 times."""

from collections.abc import Sequence
from typing import NamedTuple


class ConnectionRow(NamedTuple):
    """One line of the list. Enumerations are their plain words; stamps are UTC in ISO 8601 as the store keeps them."""

    id: str
    name: str
    exchange: str
    account_type: str
    environment: str
    enabled: bool
    active: bool
    live_trade: bool
    preset_trade: bool
    predefined: bool
    tags: tuple[str, ...]
    color: str
    api_key_set: bool
    api_secret_set: bool
    api_passphrase_set: bool
    revision: int
    updated_at: str


class Counts(NamedTuple):
    """How many connections there are, and how many of them are enabled."""

    total: int
    enabled: int


def count_rows(rows: Sequence[ConnectionRow]) -> Counts:
    return Counts(len(rows), sum(row.enabled for row in rows))
