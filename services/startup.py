"""The start, step by step. It never raises: whatever goes wrong becomes a Problem that a step and the status show."""

import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from models import VERSION
from models.event import Notice, StepFinished, VaultChanged
from models.problem import Category, CtsError, Problem
from models.status import StartupStep, StoreStatus

if TYPE_CHECKING:
    from services.configuration import Configuration
    from services.events import Events
    from services.late_vault import LateVault
    from services.log import LogView
    from services.preparation import Prepared
    from services.settings import SettingsService
    from storage.data_folder import DataFolder
    from storage.folder_lock import FolderLock
    from storage.store import Store
    from storage.vault import Vault

Outcome = tuple[str, Problem | None]

_LOOK_SECONDS = 1.0

_BESIDE_THE_DATA = Problem(
    Category.KEYRING,
    "This system has no keyring that can be used: the key to your secrets is kept beside the data, in vault.key.",
    "Set a passphrase, in Settings, Vault, so that nobody who copies the folder can open them.",
    by_command="Set a passphrase, with `vault set-passphrase`, so that nobody who copies the folder can open them.",
)

_log = logging.getLogger(__name__)


class Startup:
    """Runs the steps once. `in_use` is set while another program holds the folder.

    `configuration` tells which store is asked for, once the settings are loaded. `patience`: seconds to wait for
    another program to let the folder go; 0 for whoever only reads. `lasting`: the program stays open, and takes the
    folder over when it becomes free.
    """

    def __init__(
        self,
        *,
        folder: "DataFolder",
        configuration: "Callable[[], Configuration]",
        settings: "SettingsService",
        log: "LogView",
        lock: "FolderLock",
        vault: "LateVault",
        store: "Store",
        migrations_folder: Path,
        events: "Events",
        patience: float,
        lasting: bool = True,
    ) -> None:
        self._folder = folder
        self._configuration = configuration
        self._settings = settings
        self._log_view = log
        self._lock = lock
        self._vault = vault
        self._store = store
        self._migrations_folder = migrations_folder
        self._events = events
        self._patience = patience
        self._lasting = lasting
        self._closing = threading.Event()
        self._steps: list[StartupStep] = []
        self._logged = -1
        self.in_use: Problem | None = None

    @property
    def steps(self) -> tuple[StartupStep, ...]:
        return tuple(self._steps)

    @property
    def store(self) -> StoreStatus:
        """The store now: what a command worked on."""
        return self._store.status

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Every problem of the start, each once."""
        return tuple(dict.fromkeys(step.problem for step in self._steps if step.problem))

    def run(self, *, migrates: bool = True) -> tuple[StartupStep, ...]:
        """Open everything; returns the steps. A second call only returns them.

        Without `migrates` nothing pending is applied and no CTS v3.1 folder is taken over.
        """
        if self._steps:
            return self.steps
        self._step("folder", self._check_folder)
        self._step("settings", self._load_settings)
        self._step("configuration", self._read_configuration)
        self._step("log", self._set_up_log)
        self._step("lock", self._take_lock)
        self._step("vault", self._open_the_vault)
        try:
            self._store.open(self._record, read_only_because=self.in_use, migrates=migrates)
        except CtsError as error:
            self._record(_failed("store", 0, error.problem))
        except Exception as error:  # noqa: BLE001 - the start never raises; the log has the traceback
            _log.exception("Opening the store failed.")
            self._record(_bug("store", 0, error))
        self._look_at_vault()
        if self.in_use and self._lasting:
            threading.Thread(target=self._wait_for_folder, name="folder-lock", daemon=True).start()
        return self.steps

    def close(self) -> None:
        """Close the store and let the folder go. Never raises: the program is ending."""
        self._closing.set()
        close_store = partial(self._store.close, self._settings.current.backups_kept, by_command=not self._lasting)
        for what, close in (("store", close_store), ("lock", self._lock.release)):
            try:
                close()
            except CtsError as error:
                _log.warning("Closing the %s: %s %s", what, error.problem.text, error.problem.solution)
            except Exception:  # noqa: BLE001 - the program is ending; the log has the traceback
                _log.exception("Closing the %s failed.", what)

    def _wait_for_folder(self) -> None:
        """Take the folder over once the other program has let it go, and say so once."""
        while not self._closing.wait(_LOOK_SECONDS):
            if self._lock.acquire():
                break
        else:
            return
        self.in_use = None
        try:
            self._step("lock", self._take_lock, self._record_again)
            self._step("vault", self._open_the_vault, self._record_again)
            self._events.publish(VaultChanged(self._vault.status))
            self._store.open(self._record_again, read_only_because=None)
        except Exception:  # noqa: BLE001 - the boundary of this thread; the store's status has what failed
            _log.exception("Taking the data folder over failed.")
        self._events.publish(Notice("info", "The data folder is free now: changes can be made here."))

    def _look_at_vault(self) -> None:
        """Say where the vault does not open what the list shows."""
        try:
            vault = self._vault.opened()
            if vault.status.holder == "file":
                # It costs nothing, unlike the other holders.
                vault.load()
            self._doubt(vault, vault.problem or _foreign_secrets(self._store, vault))
        except CtsError as error:
            _log.info("The vault was not looked at: %s", error.problem.text)
        else:
            if self._lasting and vault.status.holder != "file" and not vault.status.locked:
                threading.Thread(target=self._load_key, args=(vault,), name="vault", daemon=True).start()

    def _load_key(self, vault: "Vault") -> None:
        """Load the key behind the window: its status bar shall not promise what the first secret disproves."""
        try:
            vault.load()
            if (problem := vault.problem) is not None:
                self._doubt(vault, problem)
                self._events.publish(VaultChanged(vault.status))
                self._events.publish(Notice("warning", problem.text, problem))
        except Exception:  # noqa: BLE001 - the boundary of this thread; the log has the traceback
            _log.exception("Loading the vault's key failed.")

    def _doubt(self, vault: "Vault", problem: Problem | None) -> None:
        known = next(step for step in self._steps if step.step == "vault")
        if problem is not None and known.problem is None:
            self._record_again(known._replace(ok=False, problem=problem, detail=vault.status.sentence))

    def _record_again(self, step: StartupStep) -> None:
        """Keep a step that is run once more in the place of the first."""
        self._steps = [step if known.step == step.step else known for known in self._steps]
        _write_to_log(step)
        self._events.publish(StepFinished(step))

    def _step(
        self, word: str, call: Callable[[], Outcome], record: Callable[[StartupStep], None] | None = None
    ) -> None:
        start = time.perf_counter()
        try:
            detail, problem = call()
            step = StartupStep(word, problem is None, _since(start), detail, problem)
        except CtsError as error:
            step = _failed(word, _since(start), error.problem)
        except Exception as error:  # noqa: BLE001 - the start never raises; the log has the traceback
            _log.exception("The step %s failed.", word)
            step = _bug(word, _since(start), error)
        (record or self._record)(step)

    def _record(self, step: StartupStep) -> None:
        self._steps.append(step)
        if self._logged >= 0:
            _write_to_log(step)
        elif step.step == "log":
            self._logged = len(self._steps)
            for known in self._steps:
                _write_to_log(known)
        self._events.publish(StepFinished(step))

    def prepare(self) -> "Prepared":
        """Make everything ready for a first start without starting; raises MigrationError."""
        from services.preparation import prepare

        self._settings.load()
        return prepare(self._folder, self._configuration(), self._migrations_folder)

    def _check_folder(self) -> Outcome:
        folder = self._folder
        if folder.problem and folder.temporary:
            self._events.publish(Notice("warning", folder.problem.text, folder.problem))
        detail = folder.problem.text if folder.problem else str(folder.root)
        return " ".join((detail, *folder.warnings)), folder.problem

    def _load_settings(self) -> Outcome:
        problem = self._settings.load()
        if problem:
            self._events.publish(Notice("warning", problem.text, problem))
            return problem.text, problem
        present = self._folder.settings.exists()
        return (str(self._folder.settings) if present else "defaults: no settings file yet"), None

    def _read_configuration(self) -> Outcome:
        asked = self._configuration()
        return asked.sentence, asked.problem

    def _set_up_log(self) -> Outcome:
        self._log_view.set_level(self._settings.current.log_level)
        if not self._folder.writable:
            return "in memory only: the data folder is write-protected", None
        self._log_view.set_up(self._folder.logs)
        _log.info("CTS Connections %s, process %d, Python %s, %s.", VERSION, os.getpid(), _python(), sys.platform)
        problem = self._log_view.problem
        return (problem.text if problem else str(self._folder.logs)), problem

    def _take_lock(self) -> Outcome:
        if not self._folder.writable:
            return "not needed: the data folder is write-protected", None
        deadline = time.monotonic() + self._patience
        while not self._lock.acquire():
            if time.monotonic() >= deadline:
                self.in_use = self._lock.problem()
                return self.in_use.text, self.in_use
            time.sleep(0.05)
        from storage.atomic_file import sweep

        folder = self._folder
        swept = sum(map(sweep, (folder.root, folder.connections, folder.backups)))
        return "this program holds the data folder" + (f"; {swept} half-written files removed" if swept else ""), None

    def _open_the_vault(self) -> Outcome:
        new = not self._folder.vault.exists()
        status = self._vault.open(writable=self._folder.writable and self.in_use is None)
        if new and self._lasting and status.holder == "file" and not self._folder.temporary:
            self._events.publish(Notice("warning", _BESIDE_THE_DATA.text, _BESIDE_THE_DATA))
        if status.locked:
            # Nobody can be asked for the key, so this takes no time, and tells why.
            self._vault.opened().load()
        problem = self._vault.problem
        if problem is None and status.locked:
            problem = Problem(
                Category.LOCKED,
                "The vault is locked: secrets can be neither shown nor set.",
                "Unlock it in Settings, Vault, or unlock the keyring; all else works now.",
                by_command="Unlock the keyring, or name the file that holds the passphrase in CTS_PASSPHRASE_FILE.",
            )
        return status.sentence + _exposed_passphrase(), problem


def _exposed_passphrase() -> str:
    if "CTS_PASSPHRASE_FILE" not in os.environ:
        return ""
    from storage.key_holders import exposed_passphrase_file

    exposed = exposed_passphrase_file(os.environ)
    if exposed:
        _log.warning("Look: %s.", exposed)
    return f"; {exposed}" if exposed else ""


def _foreign_secrets(store: "Store", vault: "Vault") -> Problem | None:
    if store.database is None:
        return None
    from storage.foreign_secrets import foreign_secrets

    return foreign_secrets(store.database, vault.lost.known, vault.lost.finds)


def _bug(word: str, milliseconds: int, error: Exception) -> StartupStep:
    problem = Problem(
        Category.BUG,
        f"The step {word} of the start failed on a mistake of the program.",
        "Report it with the last lines of the log in the data folder.",
        type(error).__name__,
    )
    return _failed(word, milliseconds, problem)


def _failed(word: str, milliseconds: int, problem: Problem) -> StartupStep:
    return StartupStep(word, ok=False, milliseconds=milliseconds, detail=problem.text, problem=problem)


def _write_to_log(step: StartupStep) -> None:
    level = logging.INFO if step.ok else logging.WARNING
    _log.log(
        level, "Start, %s: %s in %d ms. %s", step.step, "ok" if step.ok else "problem", step.milliseconds, step.detail
    )
    if step.problem and step.problem.detail:
        _log.log(level, "Start, %s: %s, %s", step.step, step.problem.category, step.problem.detail)


def _python() -> str:
    return ".".join(map(str, sys.version_info[:3]))


def _since(start: float) -> int:
    return round((time.perf_counter() - start) * 1000)
