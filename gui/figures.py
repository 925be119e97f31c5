"""How sizes, durations and stamps are written on screen, the same on every page."""

from datetime import UTC, datetime

_UNITS = ("KB", "MB", "GB", "TB")
UNKNOWN = "—"


def size_text(size_bytes: int | None) -> str:
    """Return a file size in the unit that a person reads best; a dash where it is not known."""
    if size_bytes is None:
        return UNKNOWN
    if size_bytes < 1000:
        return f"{size_bytes} bytes" if size_bytes != 1 else "1 byte"
    size, unit = float(size_bytes), "bytes"
    for unit in _UNITS:  # noqa: B007 - the unit that the loop stops at is the answer
        size /= 1000
        if size < 999.5:
            break
    return f"{size:.1f} {unit}" if size < 99.95 else f"{size:.0f} {unit}"


def duration_text(milliseconds: int | None) -> str:
    """Return a duration: milliseconds up to ten seconds, then seconds, then minutes; a dash where it is not known."""
    if milliseconds is None:
        return UNKNOWN
    if milliseconds < 1:
        return "< 1 ms"
    if milliseconds < 10_000:
        return f"{milliseconds:,} ms"
    seconds = milliseconds / 1000
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


def stamp_text(stamp: str | None) -> str:
    """Return a stored UTC stamp (ISO 8601) as the local date and time; a text that is no stamp stays as it is."""
    if not stamp:
        return UNKNOWN
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        return stamp
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone().strftime("%Y-%m-%d %H:%M")


def count_text(count: int, one: str, many: str = "") -> str:
    """Return `count` with its noun: "1 row", "1,204 rows"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
