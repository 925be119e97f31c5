"""The eleven exchanges as a connection needs to know them: names, what they ask for, what they offer."""

from typing import NamedTuple


class ExchangeInfo(NamedTuple):
    """One exchange. `account_types[0]` is the default; `environments` always starts with live."""

    id: str
    label: str
    account_types: tuple[str, ...]
    environments: tuple[str, ...]
    needs_passphrase: bool
    aliases: tuple[str, ...] = ()


_ALL = (
    ExchangeInfo(
        "bybit",
        "Bybit",
        ("unified", "spot", "perpetual", "inverse"),
        ("live", "testnet", "demo"),
        False,
        ("bybiteu", "bybit_eu"),
    ),
    ExchangeInfo(
        "binance",
        "Binance",
        ("spot", "perpetual", "inverse", "margin", "portfolio"),
        ("live", "testnet", "demo"),
        False,
        ("binanceusdm", "binancecoinm", "binance_perpetual"),
    ),
    ExchangeInfo(
        "okx",
        "OKX",
        ("unified", "spot", "perpetual", "futures"),
        ("live", "demo"),
        True,
        ("okex", "okex5", "myokx", "okxus", "okx_perpetual"),
    ),
    ExchangeInfo(
        "gateio",
        "Gate.io",
        ("spot", "perpetual", "margin", "futures", "unified"),
        ("live", "testnet"),
        False,
        ("gate", "gate.io", "gate_io", "gate_io_perpetual"),
    ),
    ExchangeInfo("mexc", "MEXC", ("spot", "perpetual"), ("live",), False, ("mxc", "mexc3")),
    ExchangeInfo(
        "bitget", "Bitget", ("perpetual", "spot", "margin", "unified"), ("live", "demo"), True, ("bitget_perpetual",)
    ),
    ExchangeInfo(
        "kucoin",
        "KuCoin",
        ("spot", "perpetual", "margin"),
        ("live",),
        True,
        ("kucoinfutures", "kucoin_perpetual", "kucoin_hft"),
    ),
    ExchangeInfo("htx", "HTX", ("spot", "perpetual", "inverse", "margin"), ("live",), False, ("huobi", "huobipro")),
    ExchangeInfo(
        "bingx", "BingX", ("perpetual", "spot", "futures"), ("live", "demo"), False, ("bing_x", "bing_x_perpetual")
    ),
    ExchangeInfo("pionex", "Pionex", ("spot", "perpetual"), ("live",), False),
    ExchangeInfo("orangex", "OrangeX", ("perpetual", "spot"), ("live",), False, ("orange_x",)),
)

EXCHANGES: dict[str, ExchangeInfo] = {info.id: info for info in _ALL}
"""Every exchange by id, in the order in which a person is offered them."""

_BY_ALIAS = {alias: info for info in _ALL for alias in (info.id, *info.aliases)}


def find_exchange(name: str) -> ExchangeInfo | None:
    """Return the exchange that an id, a label or an alias names, whatever its case; None where none does."""
    key = name.strip().lower()
    return _BY_ALIAS.get(key) or _BY_ALIAS.get(key.replace(" ", "_").replace("-", "_"))


def exchange_label(exchange: str) -> str:
    """Return the name a person knows an exchange by; an unknown id stays as it is."""
    info = EXCHANGES.get(exchange)
    return info.label if info else exchange
