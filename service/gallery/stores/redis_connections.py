"""Connections to one Redis: a read may be sent again, a write never is."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

from redis.connection import Connection, ConnectionPool, parse_url
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    RedisError,
    ResponseError,
)
from redis.exceptions import ConnectionError as BrokenConnection
from redis.exceptions import TimeoutError as NoAnswer

from service.errors import InvalidInput
from service.gallery.stores.redis_refusals import closed_store, outcome_unknown, refusal

Reply: TypeAlias = Any
"""Bytes, an integer, None, or a list of these: what it is depends on the command."""

Argument: TypeAlias = str | bytes | int | float
Ask: TypeAlias = Callable[..., Reply]
"""Sends the words of one command and returns the reply."""

_READ_TRIES = 3
_PAUSE_S = 0.05
_OF_ADDRESS = {"host", "port", "path", "db", "username", "password", "connection_class"}


class RedisConnections:
    """Two pools: of connections for reads, and of those for writes.

    Args:
        url: `redis://`, `rediss://` or `unix://`, with no options but `db`.
        password: In place of one in the address.
        timeout_s: An answer must come within this time, and a connection too.
        greet: Called on each new connection for writes; what it raises refuses the connection.

    Raises:
        InvalidInput: When the address cannot be used.
    """

    def __init__(
        self, url: str, *, password: str | None, timeout_s: float, greet: Callable[[Ask], None]
    ) -> None:
        address = _parsed(url)
        if password is not None:
            address["password"] = password
        self.place = str(address.get("path") or f"{address['host']}:{address['port']}")
        self._greet = greet
        self._timeout_s = timeout_s
        self._closed = threading.Event()
        # RESP2, so that raw replies have one form. Connections alone send nothing twice; a client
        # of redis-py would.
        fixed: dict[str, Any] = {
            "protocol": 2,
            "driver_info": None,
            "socket_timeout": timeout_s,
            "socket_connect_timeout": timeout_s,
        }
        self._reading = ConnectionPool(**address, **fixed)
        self._writing = ConnectionPool(**address, **fixed, redis_connect_func=self._connected)

    def read(self, *commands: Sequence[Argument], wait_s: float = 0.0) -> list[Reply]:
        """The replies to the commands, which are sent together; again where the connection broke.

        Args:
            commands: The words of each; they must change nothing.
            wait_s: For which a blocking command among them may block.

        Raises:
            StoreUnavailable: When no answer comes, or a refusal.
        """
        for tries_left in reversed(range(_READ_TRIES)):
            try:
                with self._lent(self._reading) as connection:
                    return _exchange(connection, commands, self._timeout_s + wait_s)
            except RedisError as error:
                is_final = isinstance(error, ResponseError | NoAnswer | AuthenticationError)
                if is_final or tries_left == 0:
                    raise refusal(error, self.place) from error
                time.sleep(_PAUSE_S)
        raise AssertionError("the last try returns or raises")

    def write(self, *words: Argument) -> Reply:
        """The reply to one command, which is sent once.

        Raises:
            OutcomeUnknown: When it was sent, and no answer came; the connection is closed.
            StoreUnavailable: When it could not be sent.
            ResponseError: When Redis refuses it.
        """
        was_sent = False
        try:
            with self._lent(self._writing) as connection:
                was_sent = True
                connection.send_command(*words)
                return connection.read_response()
        except (BusyLoadingError, AuthenticationError) as error:
            # Answers of Redis, though redis-py counts them as failures of the connection.
            raise refusal(error, self.place) from error
        except (BrokenConnection, NoAnswer) as error:
            raise (outcome_unknown if was_sent else refusal)(error, self.place) from error

    def greet(self) -> None:
        """Have the server greeted again, on a connection for writes.

        Raises:
            StoreUnavailable: When there is no answer, or the greeting finds fault.
        """
        try:
            with self._lent(self._writing) as connection:
                self._greet(_asking(connection))
        except RedisError as error:
            raise refusal(error, self.place) from error

    def close(self) -> None:
        """Close what is idle now, and the rest as soon as it is given back."""
        self._closed.set()
        for pool in (self._reading, self._writing):
            pool.disconnect(inuse_connections=False)

    @contextmanager
    def _lent(self, pool: ConnectionPool) -> Iterator[Connection]:
        if self._closed.is_set():
            raise closed_store()
        # This finds out, too, when the server has closed an idle connection, and opens it anew.
        connection = pool.get_connection()
        try:
            yield connection
        except ResponseError:
            raise
        except BaseException:
            # An answer may still come, and must not be taken for that of another command.
            connection.disconnect()
            raise
        finally:
            pool.release(connection)
            if self._closed.is_set():
                pool.disconnect(inuse_connections=False)

    def _connected(self, connection: Connection) -> None:
        connection.on_connect()
        try:
            self._greet(_asking(connection))
        except BaseException:
            connection.disconnect()
            raise


def _exchange(
    connection: Connection, commands: Sequence[Sequence[Argument]], timeout_s: float
) -> list[Reply]:
    """All replies in order; every one is read before the first refusal is raised."""
    connection.send_packed_command(connection.pack_commands(commands))
    replies: list[Reply] = []
    refused: ResponseError | None = None
    for _ in commands:
        try:
            replies.append(connection.read_response(timeout=timeout_s))
        except ResponseError as error:
            refused = refused or error
    if refused is not None:
        raise refused
    return replies


def _asking(connection: Connection) -> Ask:
    def ask(*words: Argument) -> Reply:
        connection.send_command(*words)
        return connection.read_response()

    return ask


def _parsed(url: str) -> dict[str, Any]:
    """What redis-py makes of the address, with the defaults filled in."""
    try:
        address = dict(parse_url(url))
    except ValueError as error:
        raise _unusable("one that redis-py cannot read") from error
    unknown = sorted(set(address) - _OF_ADDRESS)
    if unknown:
        raise _unusable(f"the options {', '.join(unknown)}")
    if "path" not in address:
        address = {"host": "127.0.0.1", "port": 6379} | address
    return address


def _unusable(received: str) -> InvalidInput:
    # Not the address itself: there may be a password in it.
    return InvalidInput(
        expected="the address of Redis as redis://HOST:PORT/DB, rediss://... or unix:///PATH?db=0",
        received=received,
        remedy="correct it",
    )
