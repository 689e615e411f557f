"""A client that sends nothing, a byte now and then, or reads nothing, holds no connection."""

import json
import re
import socket
import time
from urllib.parse import urlsplit

import pytest

from tests.live_service import live_service

HEADERS_S = 0.6
STALL_S = 0.9
MOST = 6
ASK = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
UPLOAD = b"POST /embed HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n"


@pytest.fixture(scope="module")
def service(artifact_dir, tmp_path_factory):
    settings = {
        "REID_HEADER_TIMEOUT_S": str(HEADERS_S),
        "REID_STALL_TIMEOUT_S": str(STALL_S),
        "REID_MAX_CONNECTIONS": str(MOST),
    }
    with live_service(artifact_dir, tmp_path_factory.mktemp("data"), settings=settings) as running:
        yield running


@pytest.fixture
def connect(service):
    """Open connections, which are closed at the end."""
    opened = []

    def open_one(url=service.url, receive_bytes=None):
        where = urlsplit(url)
        connection = socket.socket()
        opened.append(connection)
        if receive_bytes is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        connection.settimeout(10)
        connection.connect((where.hostname, where.port))
        return connection

    yield open_one
    for connection in opened:
        connection.close()


def ended_after(connection):
    """Seconds until the other side ends the connection."""
    began = time.monotonic()
    try:
        while connection.recv(65536):
            pass
    except ConnectionError:
        pass
    return time.monotonic() - began


def answer(connection):
    """One whole answer, which states its length."""
    came = b""
    while b"\r\n\r\n" not in came:
        came += connection.recv(65536)
    head, _, body = came.partition(b"\r\n\r\n")
    length = int(re.search(rb"content-length: (\d+)", head, re.IGNORECASE)[1])
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def stalls(service, what):
    return [line for line in service.events("connection_stalled") if line["waited_for"] == what]


def await_stall(service, what, *, more_than):
    until = time.monotonic() + 20
    while len(stalls(service, what)) <= more_than:
        assert time.monotonic() < until, "nobody was given up"
        time.sleep(0.05)


def trickle(connection, piece, *, seconds, every_s=0.1):
    """Send a piece again and again; seconds until that no longer works, or None."""
    began = time.monotonic()
    connection.settimeout(every_s)
    while time.monotonic() - began < seconds:
        try:
            connection.sendall(piece)
            if connection.recv(10) == b"":
                return time.monotonic() - began
        except TimeoutError:
            continue
        except ConnectionError:
            return time.monotonic() - began
    return None


def test_a_connection_that_says_nothing_is_ended(service, connect):
    before = len(stalls(service, "headers"))
    assert HEADERS_S * 0.9 <= ended_after(connect()) < 5
    await_stall(service, "headers", more_than=before)


def test_headers_that_come_byte_by_byte_have_one_time_for_all_of_them(connect):
    connection = connect()
    connection.sendall(b"GET /healthz HTTP/1.1\r\n")
    assert trickle(connection, b"X-A: b\r\n", seconds=8) >= HEADERS_S * 0.9


def test_bytes_that_are_no_request_do_not_keep_a_used_connection(connect):
    connection = connect()
    connection.sendall(ASK)
    assert b" 200 " in answer(connection)
    assert trickle(connection, b"\r\n", seconds=8) >= HEADERS_S * 0.9


def test_a_connection_that_waits_for_its_next_request_is_kept(connect):
    connection = connect()
    for _ in range(2):
        connection.sendall(ASK)
        assert b" 200 " in answer(connection)
        time.sleep(HEADERS_S * 2)
    connection.sendall(ASK)
    assert b" 200 " in answer(connection)


def test_a_body_that_stops_coming_ends_the_connection_and_the_request(service, connect):
    connection = connect()
    head = b"Content-Type: multipart/form-data; boundary=b\r\n"
    request = UPLOAD.replace(b"Host", head + b"X-Request-ID: stalled-body\r\nHost", 1)
    connection.sendall(request + b"--b\r\n")
    assert STALL_S * 0.9 <= ended_after(connection) < 8
    assert service.request_line("stalled-body")["status"] == 499


def test_a_body_that_comes_slowly_is_waited_for(connect):
    connection = connect()
    head = b"Content-Type: multipart/form-data; boundary=b\r\n"
    connection.sendall(UPLOAD.replace(b"Host", head + b"Host", 1) + b"--b\r\n")
    assert trickle(connection, b"x", seconds=STALL_S * 3, every_s=STALL_S / 6) is None


def test_the_rest_of_a_refused_body_does_not_hold_the_connection(connect):
    connection = connect()
    connection.sendall(UPLOAD + b"x")
    assert b" 415 " in answer(connection)
    assert ended_after(connection) < 8


def test_an_answer_that_nobody_reads_ends_the_connection(service, connect):
    before = len(stalls(service, "answer"))
    connection = connect(receive_bytes=4096)
    ask = b"GET /static-offline-docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: localhost\r\n\r\n"
    connection.sendall(ask * 40)
    await_stall(service, "answer", more_than=before)


def test_connections_are_bounded_on_each_port_and_one_too_many_is_told_so(service, connect):
    held = [connect() for _ in range(MOST)]
    for connection in held:
        connection.sendall(ASK)
        assert b" 200 " in answer(connection)
    refused = connect()
    head, _, body = answer(refused).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 429 ")
    assert b"Retry-After: 1" in head
    assert b"Connection: close" in head
    assert json.loads(body)["error"] == {
        "code": "overloaded",
        "message": f"expected at most {MOST} connections at a time, received one more; "
        "keep connections and use them again, or connect later",
        "expected": f"at most {MOST} connections at a time",
        "received": "one more",
        "remedy": "keep connections and use them again, or connect later",
        "request_id": None,
    }
    assert ended_after(refused) < 5
    operators = connect(service.admin_url)
    operators.sendall(ASK)
    assert b" 200 " in answer(operators)
    held.pop().close()
    until = time.monotonic() + 5
    while True:
        again = connect()
        again.sendall(ASK)
        if b" 200 " in answer(again):
            break
        assert time.monotonic() < until
