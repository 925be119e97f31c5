"""What a take-over from CTS v3.1 says on screen, as plain sentences."""

from gui.figures import count_text, stamp_text
from models.status import Scrubbed, TakeOver

_TABLES_NAMED = 6
_PREFIX = "legacy_"


def headline(report: TakeOver) -> str:
    """Say what came over, when and from where."""
    rows = sum(rows for name, rows in report.tables.items() if not name.endswith("exchange_connections"))
    others = f" {count_text(rows, 'other row')} are kept as they were." if rows else ""
    came = count_text(report.connections, "connection")
    return f"{came} came over on {stamp_text(report.taken_at)}.{others}"


def tables_line(report: TakeOver) -> str:
    """Name the tables with the most rows; "" where no other table had any."""
    filled = sorted(
        ((rows, name) for name, rows in report.tables.items() if rows), key=lambda pair: (-pair[0], pair[1])
    )
    named = [f"{name.removeprefix(_PREFIX)} {rows:,}" for rows, name in filled[:_TABLES_NAMED]]
    rest = len(filled) - len(named)
    if rest > 0:
        named.append(f"{count_text(rest, 'more table')}")
    return ", ".join(named)


def renamed_lines(report: TakeOver) -> list[str]:
    return [f"{old} is now {new}, because the name was taken." for old, new in report.renamed]


def skipped_lines(report: TakeOver) -> list[str]:
    return [f"{skipped.what}: {skipped.why}" for skipped in report.skipped]


def plaintext_line(report: TakeOver) -> str:
    """Say how many places still hold secrets in clear, or that none does."""
    if not report.plaintext:
        return "No secret is left in clear in this data folder."
    places = count_text(len(report.plaintext), "place")
    return f"{places} still hold{'s' if len(report.plaintext) == 1 else ''} secrets in clear."


def scrubbed_line(done: Scrubbed) -> str:
    """Say what a scrub removed, once it has proved that nothing is left."""
    if not done.files:
        return "There was nothing to remove: no secret is in clear."
    secrets, files = count_text(done.secrets, "secret"), count_text(len(done.files), "file")
    return f"{secrets} in clear removed from {files}; none is left in this data folder."
