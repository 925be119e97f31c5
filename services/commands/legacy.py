"""`legacy`: what came over from CTS v3.1, and the removal of the secrets in clear that it left."""

from typing import TYPE_CHECKING

from models.problem import Category, InputError
from models.status import TakeOver
from services.commands.output import Result, count, on_the_way, pairs, safe, table
from services.commands.parser import add, add_group
from services.status import take_over_json

if TYPE_CHECKING:
    import argparse

    from services.commands.parser import Parser
    from services.core import Core


def register(commands: "argparse._SubParsersAction[Parser]") -> None:
    group = add_group(commands, "legacy", report, "what came over from CTS v3.1")
    add(group, "report", report, "what came over, and what did not and why")
    clean = add(group, "scrub", scrub, "remove the secrets in clear that the take-over left", writes=True)
    clean.add_argument("--yes", action="store_true", help="do it; without it only what would be cleaned is named")


def report(core: "Core", arguments: "argparse.Namespace") -> Result:  # noqa: ARG001
    found = core.legacy.report()
    return Result(take_over_json(found) or {}, _text(found) if found else "Nothing was taken over from CTS v3.1.")


def scrub(core: "Core", arguments: "argparse.Namespace") -> Result:
    places = core.legacy.plaintext()
    if not arguments.yes:
        if not places:
            return Result({"done": False, "plaintext": []}, "No secrets in clear are left.")
        raise InputError(
            f"Secrets in clear would be removed from: {', '.join(places)}.{_lost_for_good(core.legacy.report())}",
            "Add --yes to do it; the connections keep their encrypted secrets.",
            category=Category.LEGACY,
        )
    done = core.legacy.scrub(on_the_way)
    left = core.legacy.plaintext()
    text = "Every secret in clear is removed." if places else "No secrets in clear were left."
    return Result({"done": True, **_plain(done), "plaintext": list(left)}, text)


def _lost_for_good(found: TakeOver | None) -> str:
    """Say that a key which did not come over is nowhere else than in these places."""
    if found is None or not found.skipped:
        return ""
    return f" With them go the keys of what did not come over ({len(found.skipped):,}, see `legacy report`)."


def _plain(done: object) -> dict[str, object]:
    fields: dict[str, object] = getattr(done, "_asdict", dict)()
    return {
        name: [str(one) for one in value] if isinstance(value, list | tuple) else value
        for name, value in fields.items()
    }


def _text(found: TakeOver) -> str:
    facts = [
        ("Taken over", found.taken_at),
        ("From", found.source),
        ("Connections", f"{found.connections:,}"),
        ("Backup", found.backup),
        ("In clear", ", ".join(found.plaintext) or "nothing"),
    ]
    parts = [pairs(facts)]
    if found.tables:
        parts.append(table(("Kept table", "Rows"), [(name, f"{rows:,}") for name, rows in found.tables.items()]))
    if found.renamed:
        parts.append("\n".join(f"Renamed: {safe(old)} -> {safe(new)}" for old, new in found.renamed))
    if found.skipped:
        parts.append("\n".join(f"Left out: {safe(one.what)}: {safe(one.why)}" for one in found.skipped))
    if found.repaired:
        parts.append("\n".join(f"Repaired: {safe(one.what)}: {safe(one.why)}" for one in found.repaired))
    parts.append(f"{count(found.connections, 'connection')} came over.")
    if found.plaintext:
        parts.append("Secrets in clear are left; `legacy scrub --yes` removes them.")
    return "\n\n".join(parts)
