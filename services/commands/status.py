"""`status`: starts the store as the window would, and says what it found."""

from typing import TYPE_CHECKING, Any

from models.problem import Category, Problem
from models.status import StoreState
from services.commands.output import FINE, ON_FALLBACK, PROBLEM, Result, count, pairs, safe, table
from services.commands.parser import add

if TYPE_CHECKING:
    import argparse

    from services.commands.parser import Parser
    from services.core import Core

_SHOWN = 5
# The store works, and every record can be read: worth saying, not a failure.
_HARMLESS = {Category.IN_USE, Category.TEMPORARY}


def register(commands: "argparse._SubParsersAction[Parser]") -> None:
    add(commands, "status", show, "the store, its migrations, the connections and how the start went")


def show(core: "Core", arguments: "argparse.Namespace") -> Result:  # noqa: ARG001 - every handler gets both
    data = core.status.as_json()
    problem = core.status.store().problem
    code = FINE
    if problem and problem.category not in _HARMLESS:
        code = ON_FALLBACK if core.status.store().state is StoreState.FALLBACK else PROBLEM
    return Result(data, _text(data, core.status.problems()), code, problem if code else None)


def _text(data: dict[str, Any], problems: tuple[Problem, ...]) -> str:
    store, migrations, folder = data["store"], data["migrations"], data["data_folder"]
    facts = [
        ("Store", f"{store['backend']}, {store['state'].replace('_', ' ')}, {store['location']}"),
        *_store_facts(store),
        *([("Health", _health(data["health"]))] if data["health"] else []),
        ("Data folder", folder["path"] + (" (temporary)" if folder["temporary"] else "")),
        ("Vault", data["vault"]["sentence"]),
        ("Migrations", _migrations(migrations, store)),
        ("Connections", f"{data['connections']['total']:,}, {data['connections']['enabled']:,} enabled"),
    ]
    if data["take_over"]:
        facts.append(("Take-over", _take_over(data["take_over"])))
    steps = [
        (step["step"], "ok" if step["ok"] else "problem", f"{step['milliseconds']} ms", step["detail"])
        for step in data["startup"]
    ]
    parts = [pairs(facts), table(("Start", "", "", ""), steps)]
    if data["take_over"] and data["take_over"]["skipped"]:
        parts.insert(1, _left_out(data["take_over"]["skipped"]))
    if problems:
        parts.append("\n".join(f"{p.category}: {safe(p.text)} {safe(p.at_terminal)}".rstrip() for p in problems))
    return "\n\n".join(parts)


def _migrations(migrations: dict[str, Any], store: dict[str, Any]) -> str:
    if not migrations["total"]:
        if store["backend"] != "json":
            return "not known: see the problem below"
        return "not known while the database is away" if store["home"] else "none: the JSON files need none"
    return f"{migrations['applied']} of {migrations['total']} applied"


def _store_facts(store: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what is only worth a line when there is something: the database that is away, and what waits for it."""
    facts = []
    if store["state"] == "fallback":
        tries = (
            "none by itself; `changes retry` tries now" if store["retry_in"] is None else f"in {store['retry_in']} s"
        )
        facts = [("Instead of", store["home"] or "what was asked for"), ("Next try", tries)]
    words = ((store["waiting"], "waiting"), (store["rejected"], "refused"), (store["conflicts"], "in conflict"))
    left = ", ".join(f"{number:,} {word}" for number, word in words if number)
    return [*facts, ("Changes", f"{left}; see them with: changes list")] if left else facts


def _health(health: dict[str, Any]) -> str:
    parts = [health["role"], health["server_version"]]
    if health["latency_p50_ms"] is not None:
        parts.append(f"{health['latency_p50_ms']:.1f} ms")
    if health["connections_used"] is not None:
        parts.append(f"{health['connections_used']} of {health['connections_max']} connections")
    return ", ".join(part for part in parts if part)


def _left_out(skipped: list[dict[str, str]]) -> str:
    lines = [f"Left out: {safe(one['what'])}: {safe(one['why'])}" for one in skipped[:_SHOWN]]
    if len(skipped) > _SHOWN:
        lines.append(f"and {len(skipped) - _SHOWN:,} more; see them with: legacy report")
    return "\n".join(lines)


def _take_over(report: dict[str, Any]) -> str:
    text = (
        f"{count(report['connections'], 'connection')} from CTS v3.1, {count(len(report['skipped']), 'thing')} left out"
    )
    if report["plaintext"]:
        text += "; secrets in clear are left: legacy scrub --yes removes them"
    return text
