"""Which folder is the data folder. Apart from what is done with it, because the first paint asks for it."""

from collections.abc import Mapping
from pathlib import Path

from models.problem import Category, InputError

APPLICATION = "cts-connections"
VARIABLE = "CTS_DATA_DIR"


def locate(option: str | None, environment: Mapping[str, str], source_root: Path | None) -> Path:
    """Return the data folder's absolute path: the option, CTS_DATA_DIR, `data` of a source checkout, the user's own.

    An empty CTS_DATA_DIR counts as unset. An empty option is a script's mistake and raises InputError: going on would
    write into a folder that nobody named.
    """
    if option is not None and not option.strip():
        raise InputError("--data-dir is empty.", "Name a folder after it, or leave it out.", category=Category.CONFIG)
    named = option or environment.get(VARIABLE, "").strip()
    if named:
        return Path(named).expanduser().absolute()
    if source_root is not None:
        return (source_root / "data").absolute()
    from platformdirs import user_data_path

    return user_data_path(APPLICATION, appauthor=False).absolute()
