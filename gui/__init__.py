"""The window.

PySide6 replaces Python's import by one that reads the source of every module imported from then on, in any thread, to
see whether it asks for `snake_case` or `true_property`. Nothing here does. Without it a start takes about 50 ms less of
the processor, 7 MB less memory stay in linecache, and no import holds the interpreter while the window has its turn.
"""

import builtins
import linecache

import gui.qt_enums  # noqa: F401 - before the first of them is made

_plain_import = builtins.__import__

import PySide6.QtCore  # noqa: E402, F401 - this is what replaces it

builtins.__import__ = _plain_import
# The source that it has read by then is of use to nobody.
linecache.clearcache()
