"""Which desktop this is, and the count of its operations: an order that no clock decides.

Numbers are set aside on the disk in blocks before the first of them is used. After a kill the rest of a block is
never used; a number is never used twice.
"""

import logging
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from models.problem import StoreError
from storage.atomic_file import SYSTEM, BadFileError, FileCalls, backup_of
from storage.diagnosis import diagnose
from storage.json_file import read_json, write_json
from storage.quarantine import put_away

FORMAT: Final = "cts-connections device 1"
BLOCK: Final = 1000
GAP: Final = 1_000_000
"""Left free where the count was lost: as many operations may have been made and are known to nobody here."""

_MOST: Final = 1 << 62
_log = logging.getLogger(__name__)


class _Kept(NamedTuple):
    id: str
    reserved: int


class Device:
    """The desktop of one data folder. Made at the first use; a damaged file goes to quarantine and `.bak` fills in.

    `known` returns the id and the highest sequence number that is known from elsewhere (waiting changes, the
    database); it is asked where the file is new or was lost. Where nothing can be written, numbers last as long as
    the program runs.
    """

    def __init__(
        self,
        path: Path,
        quarantine: Path,
        *,
        known: Callable[[], tuple[str, int]] = lambda: ("", 0),
        writable: bool = True,
        calls: FileCalls = SYSTEM,
    ) -> None:
        self._path = path
        self._writable = writable
        self._calls = calls
        self._lock = threading.Lock()
        kept = self._load(quarantine)
        if kept is None:
            name, highest = known()
            kept = _Kept(name or str(uuid.uuid4()), highest + GAP if highest else 0)
        self.id: Final = kept.id
        # Everything up to here may have been used: the first operation sets a block aside, and keeps the id with it.
        self._last = self._reserved = kept.reserved

    def next_sequence(self) -> int:
        """Return a number higher than every one before. Raises StoreError where that cannot be made sure."""
        with self._lock:
            if self._last >= self._reserved:
                self._reserve(self._last + BLOCK)
            self._last += 1
            return self._last

    def expect(self, count: int) -> None:
        """Set numbers aside for so many operations at once: each block costs a write to the disk."""
        with self._lock:
            if self._last + count > self._reserved:
                self._reserve(self._last + count + BLOCK)

    def at_least(self, sequence: int) -> None:
        """Go on after a number that was seen elsewhere under this device's id."""
        with self._lock:
            if sequence > self._last:
                self._last = sequence

    def _reserve(self, upto: int) -> None:
        if self._writable:
            try:
                value = {"format": FORMAT, "id": self.id, "reserved": upto}
                write_json(self._path, value, calls=self._calls)
            except OSError as error:
                raise StoreError(diagnose(error, where=self._path.name, path=self._path)) from error
        self._reserved = upto

    def _load(self, quarantine: Path) -> _Kept | None:
        try:
            return _read(self._path)
        except FileNotFoundError:
            return None
        except BadFileError as error:
            _log.warning("%s The copy before it is used.", error.problem.text)
            if self._writable:
                with suppress(StoreError):
                    put_away(self._path, quarantine)
        except OSError as error:
            _log.warning("%s", diagnose(error, where=self._path.name, path=self._path).text)
            return None
        try:
            previous = _read(backup_of(self._path))
        except (BadFileError, OSError):
            return None
        # The copy is one block behind, or more where it was put there by hand.
        return previous._replace(reserved=previous.reserved + GAP)


def _read(path: Path) -> _Kept:
    value: Any = read_json(path)
    if not isinstance(value, dict) or value.get("format") != FORMAT or value.keys() != {"format", "id", "reserved"}:
        raise BadFileError(path.name, "does not name a desktop")
    name, reserved = value["id"], value["reserved"]
    if not isinstance(name, str) or not name or type(reserved) is not int or not 0 <= reserved < _MOST:
        raise BadFileError(path.name, "does not name a desktop")
    return _Kept(name, reserved)
