"""What a person hands to a command: one JSON document on standard input or in a file, read strictly."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from models.problem import Category, InputError
from models.secret import Secret

if TYPE_CHECKING:
    from models.database_form import DatabaseForm

_LIMIT = 1024 * 1024


def read_object(file: str | None) -> dict[str, Any]:
    """Return the one JSON object in `file`, or on standard input where it is None; raises InputError."""
    name = Path(file).name if file else "Standard input"
    return parse_object(_read_file(file) if file else _read_standard_input(), name)


def parse_object(content: bytes, name: str) -> dict[str, Any]:
    """Return the JSON object in `content`; raises InputError that calls it by `name`."""
    value = _parse(content, name)
    if not isinstance(value, dict):
        raise InputError(
            "A JSON object is needed, with the names of the fields.",
            'Write it as {"name": "...", "exchange": "..."}; one connection at a time. `import` takes many.',
        )
    return value


def read_passphrase(file: str | None) -> Secret:
    """Return the passphrase in `file` or on standard input, without its last line end; asks twice on a terminal."""
    if file is None and sys.stdin is not None and sys.stdin.isatty():
        return _ask_passphrase()
    return _read_secret(file, "passphrase")


def read_recovery(file: str | None, passphrase_file: str | None) -> tuple[Secret, Secret]:
    """Return the recovery key, from `file` or standard input, and the new passphrase, from its file or asked for."""
    typed = sys.stdin is not None and sys.stdin.isatty()
    if passphrase_file is None and not typed:
        raise InputError("There is nobody to ask for the new passphrase.", "Name its file with --passphrase-file.")
    if file is None and typed:
        from getpass import getpass

        key = Secret(getpass("Recovery key: ").strip())
    else:
        key = _read_secret(file, "recovery key")
    return key, read_passphrase(passphrase_file)


def read_target(file: str | None) -> "str | DatabaseForm":
    """Return the database that a URL or a JSON object in `file` or on standard input names; raises InputError."""
    if file is None and sys.stdin is not None and sys.stdin.isatty():
        from getpass import getpass

        # It holds a password.
        text = getpass("URL of the PostgreSQL (not shown): ").strip()
    else:
        text = _read_text(file, Path(file).name if file else "Standard input").strip()
    if text.startswith("{"):
        from services.commands.database import form_of

        return form_of(parse_object(text.encode(), "The target"))
    if not text or len(text.split()) > 1:
        raise InputError(
            "The target is not one URL on a line of its own.",
            "Give postgresql://user:password@host:port/database, or a JSON object as `database set` takes it.",
        )
    return text


def _read_secret(file: str | None, what: str) -> Secret:
    name = Path(file).name if file else "Standard input"
    text = _read_text(file, name).rstrip("\r\n")
    if not text or not text.isprintable():
        wrong = "holds more than one line, or a control character" if text else "is empty"
        raise InputError(f"{name} {wrong}.", f"Give the {what} alone, on one line.")
    return Secret(text)


def _read_text(file: str | None, name: str) -> str:
    try:
        return (_read_file(file) if file else _read_standard_input()).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{name} is not UTF-8 text.", "Save it as UTF-8.", category=Category.BAD_FILE) from None


def _ask_passphrase() -> Secret:
    from getpass import getpass

    typed = getpass("New passphrase: ")
    if typed != getpass("Once more: "):
        raise InputError("The two are not the same.", "Start again; nothing was changed.")
    return Secret(typed)


def _parse(content: bytes, name: str) -> Any:
    from storage.atomic_file import BadFileError
    from storage.json_file import load_json

    if len(content) > _LIMIT:
        raise InputError(f"{name} is larger than 1 MiB.", "Give one connection at a time.", category=Category.BAD_FILE)
    try:
        return load_json(content, name=name)
    except BadFileError as error:
        raise InputError(
            f"{name} {error.why}.", "Give one JSON object in UTF-8; nothing was changed.", category=Category.BAD_FILE
        ) from None


def _read_standard_input() -> bytes:
    if sys.stdin is None or sys.stdin.closed:
        raise InputError("There is no standard input to read.", "Pipe it in, or name a file with --file.")
    if sys.stdin.isatty() and sys.stderr is not None:
        sys.stderr.write("Type one JSON object; end with Ctrl-D on a line of its own.\n")
    return _read(sys.stdin.buffer)


def _read_file(file: str) -> bytes:
    try:
        # Not read_capped: a shell's <(...) is a pipe, and a good way to hand over a secret.
        with open(file, "rb") as stream:
            return _read(stream)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "its name is not one that a file can have"
        raise InputError(
            f"{Path(file).name} cannot be read ({why}).",
            "Check the name and the permissions.",
            category=Category.CANT_OPEN,
        ) from None


def _read(stream: BinaryIO) -> bytes:
    return stream.read(_LIMIT + 1)
