"""Tells when connections changed in PostgreSQL, whoever changed them: by LISTEN, or else by a look every 0.5 s.

Behind a pooler in transaction mode LISTEN succeeds and nothing ever comes; a standby refuses it; a database may lack
the trigger. So it is tried before it is trusted.
"""

import json
import logging
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from typing import Any, Final

import psycopg2
from psycopg2.extensions import POLL_READ, connection

from models.problem import Problem
from storage.postgresql import deadline
from storage.postgresql.address import Address
from storage.postgresql.failure import is_closed, problem_of
from storage.postgresql.limits import READ_LIMIT
from storage.postgresql.session import Pace, connect

CHANNEL: Final = "cts_connections"
POLL_SECONDS: Final = 0.5
HEARTBEAT_SECONDS: Final = 15.0
"""How often a quiet session is asked whether it and the trigger are still there."""
MANY: Final = "many"
_PROOF_SECONDS = 1.0
_TRY_AGAIN_SECONDS = 60.0
_AWAY_SECONDS = (1.0, 60.0, 1.6)
_TRIGGERS = (
    "SELECT count(*) FROM pg_trigger WHERE tgrelid = to_regclass('exchange_connections')"
    " AND tgname LIKE 'cts\\_connection%' AND tgenabled IN ('O', 'A')"
)
_TRIGGERS_WANTED = 4
# xmin changes with every write to a row, also with one that forgets to raise the revision.
_FINGERPRINT = (
    "SELECT count(*), COALESCE(sum(hashtextextended(id || '/' || revision || '/' || xmin::text, 0)), 0)"
    " FROM exchange_connections"
)
_STAMPS = "SELECT id, revision::text || '/' || xmin::text FROM exchange_connections"
_log = logging.getLogger(__name__)

Changed = Callable[[frozenset[str] | None], None]


class Mode(Enum):
    """How changes are noticed now."""

    LISTENING = "listening"
    POLLING = "polling"
    AWAY = "away"


class Listener:
    """A thread that calls `on_change` with the ids that changed, or None where everything may have.

    None comes once, too, whenever it begins to listen: what happened before is not known. `on_change` runs on the
    listener's own thread, and so does `on_away`, which hears why the server cannot be reached. `mode` says how it works
    now, and `reason` why it does not listen.
    """

    def __init__(
        self,
        address: Address,
        on_change: Changed,
        *,
        pace: Pace | None = None,
        on_away: Callable[[Problem], None] = lambda _problem: None,
    ) -> None:
        self.mode = Mode.AWAY
        self.reason = "not started"
        self._address = address
        self._on_change = on_change
        self._on_away = on_away
        self._pace = pace or Pace()
        self._stop = deadline.Stop()
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self, timeout: float = 1.0) -> bool:
        """End, within a second whatever the server does; False if the thread is still there."""
        self._stop.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        pause, longest, factor = _AWAY_SECONDS
        with deadline.stoppable(self._stop):
            while not self._stop.is_set():
                began = time.monotonic()
                try:
                    self._watch()
                except psycopg2.Error as error:
                    self._say_away(error)
                # Who was connected for a while begins again with a short pause.
                pause = _AWAY_SECONDS[0] if time.monotonic() - began > longest else min(pause * factor, longest)
                self._stop.wait(pause)
        self.mode, self.reason = Mode.AWAY, "closed"

    def _watch(self) -> None:
        """Use one session until it breaks."""
        session = self._connect()
        try:
            self.reason = self._why_not_listening(session)
            self.mode = Mode.POLLING if self.reason else Mode.LISTENING
            if self.reason:
                _log.info("Changes of other desktops are looked for every %s s: %s.", POLL_SECONDS, self.reason)
                self._poll(session)
            else:
                self._listen(session)
        finally:
            session.close()

    def _connect(self) -> connection:
        self._pace.wait()
        try:
            return connect(self._address)
        except psycopg2.Error as error:
            if not self._stop.is_set():
                self._on_away(problem_of(error, self._address, closed=True))
            raise

    def _why_not_listening(self, session: connection) -> str:
        """Return "" when notifications arrive here, else why they do not."""
        if not self._has_trigger(session):
            return "the database has no trigger that tells of changes"
        try:
            _rows(session, f"LISTEN {CHANNEL}")
        except psycopg2.Error as error:
            if session.closed or is_closed(error):
                raise
            return "the server does not let this session listen"
        # A pooler makes up the process number that it tells its clients.
        if _rows(session, "SELECT pg_backend_pid()")[0][0] == session.info.backend_pid:
            return ""
        return "" if self._hears_another(session) else "a pooler stands between that does not pass notifications on"

    def _hears_another(self, session: connection) -> bool:
        """Let a second session notify: within one, a pooler would pass it on by chance."""
        word = f"?{uuid.uuid4()}"
        self._pace.wait()
        speaker = connect(self._address)
        try:
            _rows(speaker, "SELECT pg_notify(%s, %s)", (CHANNEL, word))
        finally:
            speaker.close()
        until = time.monotonic() + _PROOF_SECONDS
        while (left := until - time.monotonic()) > 0:
            if word in self._payloads(session, left):
                return True
        return False

    def _listen(self, session: connection) -> None:
        self._tell(None)
        while not self._stop.is_set():
            payloads = [word for word in self._payloads(session, HEARTBEAT_SECONDS) if not word.startswith("?")]
            if payloads:
                self._tell(_ids(payloads))
            elif not self._has_trigger(session):
                return

    def _payloads(self, session: connection, seconds: float) -> list[str]:
        """Wait for notifications; [] when none came in time."""
        if not session.notifies:
            with suppress(deadline.DeadlineError):
                deadline.wait_for_socket(session.fileno(), POLL_READ, time.monotonic() + seconds)
            session.poll()
        payloads = [notification.payload for notification in session.notifies]
        session.notifies.clear()
        return payloads

    def _poll(self, session: connection) -> None:
        before, stamps = _rows(session, _FINGERPRINT), dict(_rows(session, _STAMPS))
        # After the first look: whoever reads the list now reads it as it was then, or newer.
        self._tell(None)
        next_try = time.monotonic() + _TRY_AGAIN_SECONDS
        while not self._stop.wait(POLL_SECONDS):
            now = _rows(session, _FINGERPRINT)
            if now != before:
                before, fresh = now, dict(_rows(session, _STAMPS))
                # Nothing differs where the change came between the two questions: then it may be anything.
                self._tell(frozenset(key for key, _ in stamps.items() ^ fresh.items()) or None)
                stamps = fresh
            if time.monotonic() >= next_try:
                if self._may_listen_now(session):
                    return
                next_try = time.monotonic() + _TRY_AGAIN_SECONDS

    def _may_listen_now(self, session: connection) -> bool:
        return "pooler" not in self.reason and not self._why_not_listening(session)

    @staticmethod
    def _has_trigger(session: connection) -> bool:
        return bool(_rows(session, _TRIGGERS)[0][0] >= _TRIGGERS_WANTED)

    def _tell(self, ids: frozenset[str] | None) -> None:
        if not self._stop.is_set():
            self._on_change(ids)

    def _say_away(self, error: psycopg2.Error) -> None:
        if self._stop.is_set():
            return
        problem = problem_of(error, self._address, closed=True, probe=None)
        if self.mode is not Mode.AWAY:
            _log.info("Changes of other desktops cannot be seen: %s", problem.text)
        self.mode, self.reason = Mode.AWAY, problem.text


def _rows(session: connection, text: str, parameters: tuple[Any, ...] | None = None) -> list[tuple[Any, ...]]:
    with session.cursor() as asking:
        # LISTEN must not be in one message with a SET LOCAL; everything else has its limit with it.
        asking.execute(text if text.startswith("LISTEN") else READ_LIMIT + text, parameters)
        return asking.fetchall() if asking.description else []


def _ids(payloads: list[str]) -> frozenset[str] | None:
    """Return the ids that notifications name together; None when one of them names none."""
    found: set[str] = set()
    for payload in payloads:
        try:
            ids = json.loads(payload)
        except ValueError:
            return None
        if not isinstance(ids, list):
            return None
        found.update(str(each) for each in ids)
    return frozenset(found)
