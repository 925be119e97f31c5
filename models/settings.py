"""The program's settings as `data/settings.json` keeps them."""

from typing import Any, NamedTuple


class Settings(NamedTuple):
    """What a person may set. Keys of the file that we do not know are kept in `extra`."""

    theme: str = "system"
    """system, light or dark"""
    density: str = "comfortable"
    """comfortable or compact rows"""
    log_level: str = "INFO"
    """DEBUG, INFO, WARNING or ERROR"""
    backups_kept: int = 5
    window: dict[str, Any] = {}  # noqa: RUF012 - a NamedTuple's default is never changed in place
    """Geometry and columns, as the window left them."""
    database: Any = {}  # noqa: RUF012
    """Where PostgreSQL is, its password sealed; empty where the data folder's own database is used.

    As the file has it: what makes no sense must not silently mean another database, see services/configuration.py.
    """
    extra: dict[str, Any] = {}  # noqa: RUF012


MOST_BACKUPS = 1000

CHOICES: dict[str, tuple[str, ...]] = {
    "theme": ("system", "light", "dark"),
    "density": ("comfortable", "compact"),
    "log_level": ("DEBUG", "INFO", "WARNING", "ERROR"),
}
