"""The settings that are in force, and the one way to change them."""

import threading
from typing import TYPE_CHECKING, Any

from models.problem import InputError, Problem
from models.settings import CHOICES, MOST_BACKUPS, Settings

if TYPE_CHECKING:
    from storage.data_folder import DataFolder


class SettingsService:
    """Holds `current`; `problem` says what was wrong with the file, if anything, when it was read."""

    def __init__(self, folder: "DataFolder") -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self.current = Settings()
        self.problem: Problem | None = None

    def load(self) -> Problem | None:
        """Read the file; a damaged one is kept in quarantine and the defaults hold."""
        from storage.settings_file import load

        self.current, self.problem = load(self._folder.settings, self._folder.quarantine)
        return self.problem

    def change(self, **fields: Any) -> Settings:
        """Save and return the settings with `fields` changed; raises CtsError, and then nothing is changed."""
        from storage.settings_file import save, unknown_keys

        for name, value in fields.items():
            _check(name, value)
        with self._lock:
            changed = self.current._replace(**fields)
            if changed != self.current:
                # As the file has them now: they are not ours, and may have been changed or scrubbed meanwhile.
                changed = changed._replace(extra=unknown_keys(self._folder.settings, self.current.extra))
                save(self._folder.settings, changed)
                self.current = changed
            return changed


def _check(name: str, value: Any) -> None:
    if name not in Settings._fields:
        raise InputError(f"There is no setting {name}.", "Use one of those that are offered.", field=name)
    if name in CHOICES and value not in CHOICES[name]:
        raise InputError(f"The setting {name} cannot be that.", f"It is one of {', '.join(CHOICES[name])}.", field=name)
    if name == "backups_kept" and (type(value) is not int or not 1 <= value <= MOST_BACKUPS):
        raise InputError(
            "The number of kept backups cannot be that.", f"It is between 1 and {MOST_BACKUPS:,}.", field=name
        )
