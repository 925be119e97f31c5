"""`health`: how the database is doing, measured now."""

from typing import TYPE_CHECKING

from services.commands.output import Result, pairs
from services.commands.parser import add

if TYPE_CHECKING:
    import argparse

    from models.health import HealthReport
    from services.commands.parser import Parser
    from services.core import Core

_LOOKS = 20


def register(commands: "argparse._SubParsersAction[Parser]") -> None:
    add(commands, "health", show, "how fast the database answers, how big it is, who uses it")


def show(core: "Core", arguments: "argparse.Namespace") -> Result:  # noqa: ARG001
    for _ in range(_LOOKS):
        report = core.changes.health()
    return Result(report.as_json(), pairs(facts(report)))


def facts(report: "HealthReport") -> list[tuple[str, object]]:
    """Return the report in words; what could not be asked is left out."""
    known: list[tuple[str, object]] = []
    if report.latency_p50_ms is not None and report.latency_p95_ms is not None:
        known.append(("Latency", f"{report.latency_p50_ms:.1f} ms, 95 of 100 under {report.latency_p95_ms:.1f} ms"))
    if report.size_bytes is not None:
        known.append(("Size", f"{report.size_bytes / 1024:,.0f} KB"))
    known += [("Version", report.server_version), ("Role", report.role), ("Integrity", report.integrity)]
    known.append(("Sessions", f"{report.pool_used} of {report.pool_max}"))
    if report.connections_used is not None:
        known.append(("At the server", f"{report.connections_used} of {report.connections_max} connections"))
    return [*known, ("Mirror lag", report.mirror_lag), ("Waiting", report.waiting)]
