"""Qt's enumerations are made at once, and are what Python's `enum` would have made of them."""

import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).parent.parent.parent.parent

# In a process of its own: here the tests' own library has asked for most of them before.
PROGRAM = """
import enum, os, pickle, sys
general = enum.EnumType._create_
import gui.qt_enums
quick, made, count = enum.EnumType._create_, [], 0

def outcome(call):
    try:
        result = call()
    except Exception as error:  # what fails must fail alike both ways
        return type(error).__name__
    return told(result) if isinstance(result, enum.Enum) else result

def told(member):
    plain = (member._name_, member._value_, hash(member), str(member), format(member), repr(member.value))
    inside = outcome(lambda: [each._name_ for each in member])
    return type(member).__name__, repr(member), plain, isinstance(member, int), inside

def described(cls):
    members = cls.__members__
    values = sorted({each._value_ for each in members.values()})
    some = [*list(members.values())[:12], *list(members.values())[-3:]]
    own = {key: getattr(value, "__func__", value) for key, value in vars(cls).items() if key not in members}
    return {
        "type": (type(cls), cls.__mro__[1:], len(cls), bool(cls), repr(cls)),
        "members": [(name, each._sort_order_, told(each)) for name, each in members.items()],
        "order": [each.name for each in cls],
        "backwards": [each.name for each in reversed(cls)],
        "inside": {key: value for key, value in own.items() if key not in maps and not key.startswith("__")},
        "maps": [{key: told(each) for key, each in getattr(cls, name).items()} for name in maps],
        "own": sorted(own.keys() - {"__dict__", "__weakref__"}),
        "looked up": [told(cls(value)) for value in values] + [told(cls[name]) for name in members],
        "unknown": [outcome(lambda: cls(value)) for value in (-5, 3, 12345678, "x")],
        "copied": [each.__reduce_ex__(4)[1] for each in some],
        "both": [outcome(lambda: one | other) for one in some for other in some],
        "shared": [outcome(lambda: one & ~other) for one in some for other in some],
        "inverted": [outcome(lambda: ~each) for each in some],
        "compared": [outcome(lambda: one < other) for one in some for other in some],
        "kept": [outcome(lambda: setattr(cls, name, 1)) for name in list(members)[:2]],
    }

maps = ("_member_map_", "_value2member_map_")
def compared(cls, name, names, **asked):
    global count
    result = quick(cls, name, names, **asked)
    # At once: PySide goes on to add to it what both would get.
    first, again = described(result), described(general(cls, name, names, **{**asked, "module": "tests"}))
    for what, value in first.items():
        if value != again[what]:
            # PySide would swallow an error here.
            print(result, what, value, again[what], file=sys.stderr, flush=True)
            os._exit(1)
    made.append(result)
    count += len(names)
    return result

enum.EnumType._create_ = compared
import PySide6.QtCore, PySide6.QtGui, PySide6.QtWidgets

for module in (PySide6.QtCore, PySide6.QtGui, PySide6.QtWidgets):
    for name in dir(module):
        getattr(module, name)
assert {cls.__module__ for cls in made} == {f"PySide6.{name}" for name in ("QtCore", "QtGui", "QtWidgets")}
assert pickle.loads(pickle.dumps(PySide6.QtCore.Qt.Key.Key_A)) is PySide6.QtCore.Qt.Key.Key_A
print(len(made), count)
"""


def test_every_enumeration_is_what_python_makes_of_the_same_names() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=SOURCE, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    enumerations, names = map(int, done.stdout.split())
    assert enumerations > 500
    assert names > 4_000


def test_what_others_make_of_names_stays_as_it_is() -> None:
    program = (
        "import enum, gui.qt_enums\n"
        "kept = enum.Flag('kept', [('one', 1), ('value', 2)], boundary=enum.KEEP)\n"
        "color = enum.Enum('Color', 'red green', start=5)\n"
        "print(kept.one.value, kept['value'].name, color.green.value, color.__module__, kept.__module__)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=SOURCE, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "value", "6", "__main__", "__main__"]
