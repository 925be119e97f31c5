"""`vault`: who holds the key of the secrets, its passphrase and recovery key, and a new key. Passphrases never stand on
the command line: another user of the computer can read that."""

from typing import TYPE_CHECKING

from models.problem import Category, InputError, Problem
from services.commands.output import PROBLEM, Result, count, pairs
from services.commands.parser import add, add_group
from services.commands.reading import read_passphrase

if TYPE_CHECKING:
    import argparse

    from models.status import VaultStatus
    from services.commands.parser import Parser
    from services.core import Core

HOLDERS = ("keyring", "passphrase", "file")


def register(commands: "argparse._SubParsersAction[Parser]") -> None:
    group = add_group(commands, "vault", show, "the vault that encrypts the secrets")
    add(group, "status", show, "who holds its key, and whether it is open")
    new = add(group, "set-passphrase", set_passphrase, "set or change the passphrase", writes=True)
    new.add_argument("--file", metavar="FILE", help="read it from here instead of standard input")
    new.set_defaults(takes="passphrase")
    recovery = add(group, "recovery-key", make_recovery_key, "make a new recovery key, shown once", writes=True)
    recovery.add_argument("--yes", action="store_true", help="do it; the recovery key made before no longer opens")
    lost = add(group, "recover", recover, "open the vault with its recovery key, and set a new passphrase", writes=True)
    lost.add_argument("--file", metavar="FILE", help="read the recovery key from here instead of standard input")
    lost.add_argument("--passphrase-file", metavar="FILE", help="the new passphrase; else it is asked for")
    lost.set_defaults(takes="recovery key")
    hold = add(group, "hold-by", hold_by, "choose who keeps the key on this computer", writes=True)
    hold.add_argument("holder", choices=HOLDERS, metavar="HOLDER", help=", ".join(HOLDERS))
    anew = add(
        group, "begin-anew", begin_anew, "make a new vault where nothing opens the old one any more", writes=True
    )
    anew.add_argument("--yes", action="store_true", help="do it; without it only what would happen is said")
    turn = add(group, "rotate", rotate, "seal every secret with a new key", writes=True)
    turn.add_argument(
        "--file", metavar="FILE", help="the passphrase, where the vault has one and nothing else opens it"
    )
    turn.add_argument("--yes", action="store_true", help="do it; without it only what would happen is said")


def show(core: "Core", arguments: "argparse.Namespace") -> Result:  # noqa: ARG001
    result = _status(core.vault.load(), "")
    problem = core.vault.problem
    return result._replace(code=PROBLEM if problem else result.code, problem=problem)


def set_passphrase(core: "Core", arguments: "argparse.Namespace") -> Result:
    return _status(core.vault.set_passphrase(arguments.passphrase), "The passphrase is set.")


def recover(core: "Core", arguments: "argparse.Namespace") -> Result:
    from services.vault import check_passphrase

    check_passphrase(arguments.passphrase)
    core.vault.unlock_with_recovery_key(arguments.recovery_key)
    return _status(core.vault.set_passphrase(arguments.passphrase), "The vault is open and has a new passphrase.")


def make_recovery_key(core: "Core", arguments: "argparse.Namespace") -> Result:
    if not arguments.yes:
        raise InputError(
            "A new recovery key would be made and shown once; one made before would no longer open the vault.",
            "Add --yes to do it, and write the key down at once.",
        )
    key = core.vault.make_recovery_key().reveal()
    text = f"{key}\n\nThis recovery key opens the vault. Write it down: it is not shown again."
    return Result({"recovery_key": key}, text)


def hold_by(core: "Core", arguments: "argparse.Namespace") -> Result:
    return _status(core.vault.hold_by(arguments.holder), "")


def begin_anew(core: "Core", arguments: "argparse.Namespace") -> Result:
    if not arguments.yes:
        raise InputError(
            "A new vault would be made: the secrets that are stored now stay locked, and have to be entered again.",
            "Add --yes to do it. The old vault is kept in quarantine.",
        )
    return _status(core.vault.begin_anew(), "There is a new vault. Enter the secrets of your connections again.")


def rotate(core: "Core", arguments: "argparse.Namespace") -> Result:
    if not arguments.yes:
        raise InputError(
            "Every secret would be sealed anew with a new key; a recovery key made before would no longer open it.",
            "Add --yes to do it.",
        )
    passphrase = read_passphrase(arguments.file) if arguments.file else None
    done = core.vault.rotate(passphrase)
    key = done.recovery_key.reveal() if done.recovery_key else None
    text = f"{count(done.sealed, 'connection')} sealed with the new key."
    if done.kept:
        from services.vault import KEPT

        text += f" {KEPT}"
    if key:
        text += f"\n\n{key}\n\nThis is the new recovery key. Write it down: it is not shown again."
    data = {"connections": done.sealed, "failed": done.failed, "old_keys_kept": len(done.kept), "recovery_key": key}
    if not done.failed:
        return Result(data, text)
    problem = Problem(
        Category.DAMAGED_SECRET,
        f"{count(done.failed, 'record')} could not be opened and stay as they are, with the key that they need.",
        "Type their credentials again, or bring them from a backup.",
    )
    return Result(data, text, PROBLEM, problem)


def _status(status: "VaultStatus", said: str) -> Result:
    facts = pairs([("Key", status.sentence), ("Held by", status.holder), ("Locked", "yes" if status.locked else "no")])
    return Result(status._asdict(), f"{said}\n\n{facts}" if said else facts)
