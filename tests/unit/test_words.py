"""A solution names what there is where it is read: buttons and pages in the window, commands at a terminal."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMAND = re.compile(r"`[a-z]")
WINDOW = re.compile(r"Settings, (?:Vault|Database)|(?:Database|Settings|Activity) page|\bpress\b|“[A-Z][a-z ]+”")
# Sentences that stand beside the others of their row, or go through a function that hands both on; the last one is
# a notice, which only the window shows.
BY_COMMAND = re.compile(r"by_command|_BY_COMMAND$")
PAIRED = re.compile(r"^(?:BY_SETTINGS|UNLOCK|_CORRECT|BRING_BACK)$")
MODULES = sorted(
    path
    for package in ("models", "services", "storage", "exchanges")
    for path in (ROOT / package).rglob("*.py")
    if "commands" not in path.parts
)


def texts(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    for each in ast.walk(node):
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value, each


def documentation(tree: ast.AST) -> set[int]:
    bare = (each.value for each in ast.walk(tree) if isinstance(each, ast.Expr))
    return {id(value) for value in bare if isinstance(value, ast.Constant)}


def told_by_command(tree: ast.AST) -> tuple[set[int], set[int]]:
    """Return the texts that are for a terminal, and those that have such a text beside them."""
    terminal: set[int] = set()
    paired: set[int] = set()
    for node in ast.walk(tree):
        mine = list(by_command(node))
        terminal |= ids(*mine)
        if mine and isinstance(node, ast.Call):
            paired |= ids(node)
        if isinstance(node, ast.FunctionDef):
            both = node.name == "ways_out"
            terminal |= ids(node) if both else set()
            paired |= ids(node) if both or any(list(by_command(each)) for each in ast.walk(node)) else set()
        elif isinstance(node, ast.Assign | ast.AnnAssign) and any(PAIRED.search(name) for name in names(node)):
            paired |= ids(node)
    return terminal, paired


def by_command(node: ast.AST) -> Iterator[ast.AST]:
    """Return the parts of `node` that are read at a terminal only."""
    if isinstance(node, ast.Call):
        yield from (one.value for one in node.keywords if one.arg == "by_command")
        if isinstance(node.func, ast.Name) and node.func.id == "Case":
            yield from node.args[2:3]
        if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
            yield from node.args if node.func.value.id == "commands" else ()
    elif isinstance(node, ast.Assign | ast.AnnAssign) and any(BY_COMMAND.search(name) for name in names(node)):
        yield node


def names(node: ast.Assign | ast.AnnAssign) -> list[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def ids(*nodes: ast.AST) -> set[int]:
    return {id(each) for node in nodes for _text, each in texts(node)}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_solution_names_what_there_is_where_it_is_read(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    passed_over = documentation(tree)
    terminal, paired = told_by_command(tree)
    for text, node in texts(tree):
        if id(node) in passed_over:
            continue
        if COMMAND.search(text):
            assert id(node) in terminal, f"the window would name a command: {text}"
        elif WINDOW.search(text):
            assert id(node) in paired, f"a terminal would name the window: {text}"
