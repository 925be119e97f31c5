# ruff: noqa: INP001 - a script, not a package
"""Makes the data folder of the screenshots: a CTS v3.1 folder with invented accounts, for the program to take over.

No name is a person's and no credential is a credential: the letters are drawn by a seeded generator while this runs.
"""

import json
import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

_STAMP = "2026-03-%02d 09:%02d:00"
_COLUMNS = (
    "id TEXT PRIMARY KEY, user_id INTEGER, name TEXT, exchange TEXT, api_type TEXT, connection_method TEXT, "
    "library_package TEXT, api_key TEXT, api_secret TEXT, api_passphrase TEXT, margin_type TEXT, position_mode TEXT, "
    "is_testnet INTEGER, is_enabled INTEGER, is_live_trade INTEGER, is_preset_trade INTEGER, volume_factor REAL, "
    "last_test_status TEXT, api_capabilities TEXT, rate_limits TEXT, created_at TEXT, updated_at TEXT"
)
_OTHERS = {"market_data": 1_440, "trade_logs": 318, "site_logs": 96, "pseudo_positions": 52}


class Account(NamedTuple):
    """One invented account as CTS v3.1 kept it."""

    name: str
    exchange: str
    kind: str
    testnet: bool = False
    enabled: bool = True
    live: bool = False
    passphrase: bool = False


ACCOUNTS = (
    Account("Bybit main", "bybit", "unified", live=True),
    Account("Bybit test", "bybit", "unified", testnet=True),
    Account("Gate old", "gateio", "spot"),
    Account("OKX hedge", "okx", "perpetual", passphrase=True, live=True),
    Account("KuCoin grid", "kucoin", "spot", passphrase=True),
    Account("Binance spot", "binance", "spot", live=True),
    Account("Bitget copy", "bitget", "perpetual", passphrase=True),
    Account("BingX X01", "bingx", "perpetual"),
    Account("MEXC alt", "mexc", "spot"),
    Account("HTX archive", "htx", "spot", enabled=False),
    Account("Pionex X01", "pionex", "perpetual"),
    Account("OrangeX X01", "orangex", "perpetual", live=True),
    Account("Binance futures", "binance", "perpetual"),
    Account("Bybit main", "bybit", "spot", enabled=False),
)

TAGS = {
    "Bybit main": ("main", "desk"),
    "OKX hedge": ("hedge",),
    "KuCoin grid": ("grid", "bots"),
    "Binance spot": ("main", "long term"),
    "Bitget copy": ("copy", "bots"),
    "HTX archive": ("archive",),
    "Gate old": ("to close",),
}


def make(folder: Path) -> None:
    """Write the old program's database and its JSON list into `folder`."""
    letters = random.Random(31)  # noqa: S311 - these are no credentials
    folder.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(folder / "cts.db")) as connection, connection:
        connection.execute(f"CREATE TABLE exchange_connections ({_COLUMNS})")
        for number, account in enumerate(ACCOUNTS):
            row = _row(number, account, letters)
            marks = ", ".join("?" * len(row))
            connection.execute(f"INSERT INTO exchange_connections VALUES ({marks})", row)  # noqa: S608 - marks only
        for table, count in _OTHERS.items():
            connection.execute(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, note TEXT)")
            lines = ((f"{table} {n}",) for n in range(count))
            connection.executemany(f"INSERT INTO {table} (note) VALUES (?)", lines)  # noqa: S608 - names of this file
    unknown = {"id": "old-x99", "name": "Old desk", "exchange": "nowhere", "api_key": "", "api_secret": ""}
    listed = [unknown]
    (folder / "connections.json").write_text(json.dumps(listed), encoding="utf-8")
    for path in folder.iterdir():
        path.chmod(0o600)


def _row(number: int, account: Account, letters: random.Random) -> tuple[object, ...]:
    def drawn(length: int) -> str:
        return "".join(letters.choices("abcdef0123456789", k=length))

    stamp = _STAMP % (number + 1, number)
    passphrase = drawn(10) if account.passphrase else ""
    return (
        f"{account.exchange}-x{number:02d}", 1, account.name, account.exchange, account.kind, "rest", "native",
        drawn(24), drawn(40), passphrase, "cross", "hedge", account.testnet, account.enabled, account.live, 0, 1.0,
        "ok", "[]", "{}", stamp, stamp,
    )  # fmt: skip
