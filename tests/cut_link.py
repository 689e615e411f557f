"""A link to a server that a test can cut in the middle of an exchange."""

import socket
import threading
from contextlib import contextmanager
from typing import Literal

Cut = Literal["request", "answer"]


class CutLink:
    """Forwards connections to a port; `cut` loses the next request or its answer.

    Attributes:
        port: Where it listens.
        connections: How many it has taken.
    """

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.connections = 0
        self._cuts: list[Cut] = []
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def cut(self, *what: Cut) -> None:
        """Lose the next requests, or the answers to them, and close their connections."""
        self._cuts.extend(what)

    @property
    def is_whole(self) -> bool:
        """Whether every cut has been made."""
        return not self._cuts

    def accept(self) -> None:
        """Take connections until the listener is closed; run in a thread."""
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            server = socket.create_connection(("127.0.0.1", self._server_port))
            self._open += [client, server]
            thread = threading.Thread(target=self._forward, args=(client, server))
            self._threads.append(thread)
            thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in self._open:
            _shut(one)
        for thread in self._threads:
            thread.join(10)
        for one in self._open:
            one.close()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        loses_answer = threading.Event()
        answers = threading.Thread(target=_copy_answers, args=(server, client, loses_answer))
        answers.start()
        while request := _received(client):
            if self._cuts:
                if self._cuts.pop(0) == "request":
                    break
                loses_answer.set()
            server.sendall(request)
        _shut(client)
        _shut(server)
        answers.join(10)


@contextmanager
def cut_link(server_port: int):
    """A link that takes connections within the block."""
    link = CutLink(server_port)
    thread = threading.Thread(target=link.accept)
    thread.start()
    try:
        yield link
    finally:
        link.close()
        thread.join(10)


def _copy_answers(
    server: socket.socket, client: socket.socket, loses_answer: threading.Event
) -> None:
    while answer := _received(server):
        if loses_answer.is_set():
            _shut(client)
            return
        client.sendall(answer)


def _received(source: socket.socket) -> bytes:
    try:
        return source.recv(2**16)
    except OSError:
        return b""


def _shut(one: socket.socket) -> None:
    try:
        one.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
