"""No memory of this program on disk: a core dump would hold every secret that is open at that moment."""

import sys

_PR_SET_DUMPABLE = 4


def forbid_core_dumps(*, debuggers: bool = False) -> None:
    """Ask the system to write no core dump of this process; call it before the first secret is read.

    With `debuggers` other programs of the same user cannot read its memory either. Not for the window: the desktop
    portal, which tells Qt about light and dark, refuses a process that it cannot look at.
    """
    _limit_core_size()
    if debuggers and sys.platform == "linux":
        _hide_from_debuggers()


def _limit_core_size() -> None:
    try:
        import resource
    except ImportError:
        return  # Windows writes no dump of its own accord
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    # 1 and not 0: Linux ignores the limit for a core that it pipes to a program, except for this value.
    size = 1 if hard == resource.RLIM_INFINITY or hard >= 1 else 0
    resource.setrlimit(resource.RLIMIT_CORE, (size, size))


def _hide_from_debuggers() -> None:
    import ctypes

    try:
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    except (OSError, AttributeError):
        return  # another C library: the size limit stands
