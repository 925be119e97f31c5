"""`migrations`: the numbered SQL files and what the database knows of them."""

from typing import TYPE_CHECKING

from models.problem import Category, InputError, MigrationError, Problem
from models.status import LedgerChange, MigrationItem, MigrationState, Rehearsal, count_migrations
from services.commands.output import FINE, PROBLEM, Result, count, safe, safe_lines, table
from services.commands.parser import add, add_group
from services.status import migration_json, migrations_json

if TYPE_CHECKING:
    import argparse

    from services.commands.parser import Parser
    from services.core import Core


def register(commands: "argparse._SubParsersAction[Parser]") -> None:
    group = add_group(commands, "migrations", show_all, "the numbered SQL files and their states")
    add(group, "list", show_all, "every migration with its state, after the start has applied what was pending")
    show = add(group, "show", show_one, "one migration with its SQL")
    show.add_argument("number", type=int, metavar="N")
    add(group, "apply", apply, "apply what is pending", writes=True)
    add(group, "rehearse", rehearse, "look at what is pending: try it where nothing can stay", migrates=False)
    mend = add(group, "repair", repair, "bring the ledger in step with the files", writes=True, migrates=False)
    mend.add_argument("--yes", action="store_true", help="do it; without it only what would change is shown")
    known = "take a schema that is already there as migrated up to N"
    adopt = add(group, "baseline", baseline, known, writes=True, migrates=False)
    adopt.add_argument("number", type=int, metavar="N")
    adopt.add_argument("--yes", action="store_true", help="do it; without it only what would change is shown")


def show_all(core: "Core", arguments: "argparse.Namespace") -> Result:  # noqa: ARG001
    return _listed(core.migrations.items(), _stopped(core))


def show_one(core: "Core", arguments: "argparse.Namespace") -> Result:
    item = next((item for item in core.migrations.items() if item.number == arguments.number), None)
    if item is None:
        raise InputError(
            f"There is no migration {arguments.number:03d}.",
            "See them all with: migrations list.",
            category=Category.NOT_FOUND,
        )
    without_file = item.state in {MigrationState.MISSING, MigrationState.FUTURE}
    sql = None if without_file else core.migrations.sql(item.number)
    head = f"{item.number:03d} {safe(item.name)}: {item.state}. {safe(item.sentence)} {safe(item.action)}".rstrip()
    text = head if sql is None else f"{head}\n\n{safe_lines(sql)}"
    return Result({**migration_json(item), "sql": sql}, text)


def apply(core: "Core", arguments: "argparse.Namespace") -> Result:  # noqa: ARG001
    items = core.migrations.apply()
    listed, held = _listed(items, None), _held_back(items)
    if held is None or listed.problem:
        return listed
    return listed._replace(code=PROBLEM, problem=held)


def rehearse(core: "Core", arguments: "argparse.Namespace") -> Result:  # noqa: ARG001
    tried = core.migrations.rehearse()
    problem = next((one.problem for one in tried if one.problem), None)
    data = [{**one._asdict(), "problem": one.problem.as_json() if one.problem else None} for one in tried]
    rows = table(("No", "Migration", "Time", "Rows", "Result"), [_rehearsed(one) for one in tried])
    sql = [f"{one.number:03d} {safe(one.name)}\n{safe_lines(one.sql)}" for one in tried]
    text = "\n\n".join((*sql, rows)) + "\n" if tried else "Nothing is pending."
    held = _held_back(core.migrations.items())
    if held is not None:
        text += f"\n{held.text} {held.at_terminal}"
    notes = "".join(f" {safe(one.note)}" for one in tried if one.note)
    return Result(data, f"{text}\nNothing was changed.{notes}", PROBLEM if problem else FINE, problem)


def repair(core: "Core", arguments: "argparse.Namespace") -> Result:
    newer = next((item for item in core.migrations.items() if item.state is MigrationState.FUTURE), None)
    if newer is not None:
        raise MigrationError(
            Problem(
                Category.SCHEMA,
                "A newer program has changed this database; its ledger is not changed by this one.",
                newer.action,
            )
        )
    changes = core.migrations.repair() if arguments.yes else core.migrations.repair_preview()
    return _changes(changes, done=arguments.yes)


def baseline(core: "Core", arguments: "argparse.Namespace") -> Result:
    if arguments.yes:
        return _changes(core.migrations.baseline(arguments.number), done=True)
    preview = _changes(core.migrations.baseline_preview(arguments.number), done=False)
    question = Problem(
        Category.INVALID,
        f"This marks every migration up to {arguments.number:03d} as applied without running it.",
        "Add --yes if the database really has all of it.",
    )
    return preview._replace(code=PROBLEM, problem=question)


def _stopped(core: "Core") -> Problem | None:
    """Return what kept the start from applying anything: a file that cannot be used."""
    return next((problem for problem in core.startup.problems if problem.category is Category.MIGRATION), None)


def _held_back(items: tuple[MigrationItem, ...]) -> Problem | None:
    """Say what keeps the pending ones from being applied, where something else than a failure of theirs does."""
    waiting = [item for item in items if item.state in {MigrationState.PENDING, MigrationState.OUT_OF_ORDER}]
    cause = next((item for item in items if item.state in {MigrationState.FUTURE, MigrationState.CHANGED}), None)
    if not waiting or cause is None:
        return None
    return Problem(
        Category.MIGRATION,
        f"{count(len(waiting), 'migration')} not applied, because of {cause.number:03d} {safe(cause.name)}: "
        f"{cause.sentence}",
        cause.action,
    )


def _listed(items: tuple[MigrationItem, ...], stopped: Problem | None) -> Result:
    """`stopped`: why nothing was applied, where it is no single migration's failure."""
    done = count_migrations(items)
    rows = [
        (
            f"{item.number:03d}",
            item.name,
            item.state,
            item.applied_at or "",
            "" if item.milliseconds is None else f"{item.milliseconds} ms",
        )
        for item in items
    ]
    problem = next((item.problem for item in items if item.problem), stopped)
    text = table(("No", "Name", "State", "Applied", "Time"), rows)
    notes = [
        f"{item.number:03d} is {item.state}: {safe(item.sentence)} {safe(item.action)}".rstrip()
        for item in items
        if item.state is not MigrationState.APPLIED
    ]
    return Result(
        migrations_json(items),
        "\n\n".join((text, *(["\n".join(notes)] if notes else []), f"{done.applied} of {done.total} applied")),
        PROBLEM if problem else FINE,
        problem,
    )


def _rehearsed(one: Rehearsal) -> tuple[str, str, str, str, str]:
    """Name every table whose rows became more or fewer; the rest stay as many as they were."""
    before, after = one.rows_before, one.rows_after
    changed = [
        f"{name} {before.get(name, 'none')} -> {after.get(name, 'none')}"
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]
    rows = ", ".join(changed) or f"{sum(after.values()):,}, as before"
    return (f"{one.number:03d}", one.name, f"{one.milliseconds} ms", rows, one.problem.text if one.problem else "runs")


def _changes(changes: list[LedgerChange], *, done: bool) -> Result:
    data = {"done": done, "changes": [change._asdict() for change in changes]}
    if not changes:
        return Result(data, "The ledger and the files are in step; there is nothing to change.")
    lines = table(("No", "Name", "Change"), [(f"{c.number:03d}", c.name, c.sentence) for c in changes])
    end = f"{count(len(changes), 'change')} made." if done else "Nothing was changed; add --yes to do it."
    return Result(data, f"{lines}\n\n{end}")
