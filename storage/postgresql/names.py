"""Host names become numbers within a deadline: libpq asks the system's resolver, which may block for half a minute.

That is what a dropped VPN does: the name server is what does not answer.
"""

import ipaddress
import socket
import threading

import psycopg2

from storage.postgresql import deadline

_SLICE = 0.05


def numbers_of(host: str, seconds: float) -> list[str]:
    """Return the addresses of a host in the system's order; "" stands for one that needs no asking.

    Raises psycopg2.OperationalError in libpq's words when the name is unknown or no answer comes in time.
    """
    if host.startswith(("/", "@")) or _is_number(host):
        return [""]
    found: list[str] = []
    done = threading.Event()

    def ask() -> None:
        try:
            answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            found.extend(dict.fromkeys(str(answer[4][0]) for answer in answers))
        except (OSError, UnicodeError):
            found.clear()
        finally:
            done.set()

    threading.Thread(target=ask, name="resolver", daemon=True).start()
    stop = deadline.current_stop()
    for _ in range(max(1, round(seconds / _SLICE))):
        if done.wait(_SLICE):
            break
        if stop is not None and stop.is_set():
            raise deadline.StoppedError("the database is being closed")
    if not done.is_set() or not found:
        raise psycopg2.OperationalError(f'could not translate host name "{host}" to address')
    return found


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
