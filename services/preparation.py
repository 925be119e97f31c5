"""What a build does before the first start: folders made, configuration checked, every migration read."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from services.configuration import Configuration
    from storage.data_folder import DataFolder

DIALECTS = ("sqlite", "postgresql")


class Prepared(NamedTuple):
    """`migrations` counts the files by dialect; each of them was read and parsed."""

    folder: Path
    temporary: bool
    folders: tuple[Path, ...]
    configuration: "Configuration"
    migrations: dict[str, int]


def prepare(folder: "DataFolder", configuration: "Configuration", migrations_folder: Path) -> Prepared:
    """Say what is ready; raises MigrationError naming the files where they cannot be used. Doing it again is fine.

    The folders were made when `folder` was; no database, no key and no settings are written: they belong to the
    person who starts the program, not to the build.
    """
    from storage.migrator.files import find_migrations

    found = {dialect: len(find_migrations(migrations_folder, dialect)) for dialect in DIALECTS}
    folders = tuple(
        path for path in (folder.connections, folder.logs, folder.backups, folder.quarantine) if path.is_dir()
    )
    return Prepared(folder.root, folder.temporary, folders, configuration, found)
