"""Nothing is overwritten that this program has not seen: before a file is replaced, what stands there is looked at."""

import os
from pathlib import Path

from models.problem import StoreError
from storage.atomic_file import BadFileError
from storage.data_folder import DataFolder
from storage.json_store.index import Signature, signature
from storage.json_store.names import is_of_cts31, is_our_index, move_aside
from storage.json_store.record_file import NewerFormatError, read_record
from storage.quarantine import put_away


def make_room(place: str, seen: Signature | None, folder: DataFolder) -> None:
    """Move away what stands at `place` unless it is the record as it was `seen`, or a good one: that becomes the .bak.

    Raises StoreError where it has to stay: a record of a newer program. OSError where the disk refuses.
    """
    try:
        status = os.lstat(place)
    except FileNotFoundError:
        return
    if signature(status) == seen:
        return
    path = Path(place)
    try:
        read_record(path)
    except NewerFormatError as error:
        raise StoreError(error.problem) from error
    except BadFileError:
        if is_of_cts31(path):
            move_aside(path)
        else:
            put_away(path, folder.quarantine)


def make_room_for_index(path: Path, folder: DataFolder) -> None:
    """Move a file of CTS v3.1, or anything else that is not our index, from the name that the index takes."""
    if not os.path.lexists(path) or is_our_index(path):
        return
    if is_of_cts31(path):
        move_aside(path)
    else:
        put_away(path, folder.quarantine)
