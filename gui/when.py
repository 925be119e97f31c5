"""Stamps as a person reads them: how long ago in a cell, the exact local time in a tooltip."""

from datetime import UTC, datetime

from PySide6.QtCore import QDateTime, QLocale, Qt

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def ago(stamp: str, now: datetime | None = None) -> str:
    """Return how long ago a UTC stamp in ISO 8601 was: "just now", "5 min ago", "yesterday", or its date."""
    moment = parse(stamp)
    if moment is None:
        return stamp
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    # A stamp from a clock that runs ahead is not a reason to talk of the future.
    if seconds < _MINUTE:
        return "just now" if seconds > -_DAY else date(stamp)
    if seconds < _HOUR:
        return f"{int(seconds // _MINUTE)} min ago"
    if seconds < _DAY:
        return f"{int(seconds // _HOUR)} h ago"
    days = int(seconds // _DAY)
    if days == 1:
        return "yesterday"
    return f"{days} days ago" if days < 14 else date(stamp)


def since(stamp: str) -> str:
    """Return how long ago it was and when exactly; what is long ago only the latter, which begins with its date."""
    passed = ago(stamp)
    return exact(stamp) if passed in {date(stamp), stamp} else f"{passed}, {exact(stamp)}"


def exact(stamp: str) -> str:
    """Return date and time in the local zone and in the person's locale, with the zone's name."""
    local = _local(stamp)
    if local is None:
        return stamp
    return f"{_day(local)} {local.time().toString('HH:mm:ss')} {local.timeZoneAbbreviation()}"


def date(stamp: str) -> str:
    """Return the local date in the person's locale."""
    local = _local(stamp)
    return stamp if local is None else _day(local)


def parse(stamp: str) -> datetime | None:
    """Return the moment, or None for what is no stamp; one without a zone is UTC."""
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _local(stamp: str) -> QDateTime | None:
    moment = parse(stamp)
    return QDateTime.fromMSecsSinceEpoch(int(moment.timestamp() * 1000)) if moment else None


def _day(local: QDateTime) -> str:
    """Return the date as the locale writes it; the C locale's own way is not one that people use."""
    locale = QLocale()
    if locale.language() == QLocale.Language.C:
        return local.date().toString(Qt.DateFormat.ISODate)
    return locale.toString(local.date(), QLocale.FormatType.ShortFormat)
