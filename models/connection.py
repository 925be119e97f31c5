"""The connection: one named set of credentials for one exchange account, with its configuration."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

from models.secret import Credential

JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""The stamp of a record that was not stored yet, or whose stamp makes no sense."""

CREDENTIALS = ("api_key", "api_secret", "api_passphrase")
"""The fields that are secrets. They are one unit: never mixed between two versions of a record."""


class Environment(StrEnum):
    LIVE = "live"
    TESTNET = "testnet"
    DEMO = "demo"


class AccountType(StrEnum):
    SPOT = "spot"
    MARGIN = "margin"
    PERPETUAL = "perpetual"
    INVERSE = "inverse"
    FUTURES = "futures"
    UNIFIED = "unified"
    PORTFOLIO = "portfolio"


class MarginType(StrEnum):
    CROSS = "cross"
    ISOLATED = "isolated"


class PositionMode(StrEnum):
    ONE_WAY = "one_way"
    HEDGE = "hedge"


class ConnectionMethod(StrEnum):
    REST = "rest"
    WEBSOCKET = "websocket"
    HYBRID = "hybrid"
    LIBRARY = "library"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One connection in full. Field names are the JSON keys and the columns of `exchange_connections`.

    `leverage_limit` is a multiple (None: no limit of ours), `volume_factor` multiplies order sizes, `extra` keeps the
    fields that we do not know, `revision` grows by one with every stored change; stamps are UTC.
    """

    id: str
    name: str
    exchange: str
    account_type: AccountType
    environment: Environment = Environment.LIVE
    api_key: Credential = None
    api_secret: Credential = None
    api_passphrase: Credential = None
    margin_type: MarginType = MarginType.CROSS
    position_mode: PositionMode = PositionMode.ONE_WAY
    leverage_limit: int | None = None
    volume_factor: float = 1.0
    connection_method: ConnectionMethod = ConnectionMethod.REST
    enabled: bool = True
    active: bool = False
    live_trade: bool = False
    preset_trade: bool = False
    predefined: bool = False
    tags: tuple[str, ...] = ()
    color: str = ""
    note: str = ""
    extra: dict[str, JsonValue] = field(default_factory=dict)
    revision: int = 1
    created_at: datetime = NEVER
    updated_at: datetime = NEVER

    @property
    def api_key_set(self) -> bool:
        return self.api_key is not None

    @property
    def api_secret_set(self) -> bool:
        return self.api_secret is not None

    @property
    def api_passphrase_set(self) -> bool:
        return self.api_passphrase is not None


FIELDS: tuple[str, ...] = tuple(Connection.__dataclass_fields__)
"""Every field of a connection, in the order of the columns."""

EDITABLE: tuple[str, ...] = tuple(name for name in FIELDS if name not in {"id", "revision", "created_at", "updated_at"})
"""The fields that a person, a command or an import may set."""


class Deleted(NamedTuple):
    """A connection that was deleted and can still be restored (for 90 days)."""

    id: str
    name: str
    exchange: str
    deleted_at: datetime
