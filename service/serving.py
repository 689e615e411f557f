"""Runs the application on a socket until it is told to stop, or until it cannot start."""

import logging
import math
import socket
from contextlib import suppress

import uvicorn

from service.access.keys_file import KeysFileError
from service.api.access_check import is_loopback
from service.api.two_ports import TwoPorts
from service.app import create_admin_app, create_app
from service.bounded_http import HttpLimits, bounded_http
from service.draining_server import DrainingServer
from service.freed_memory import overwrite_freed_memory
from service.log import configure_logging, log_event
from service.settings import Settings
from service.short_pauses import keep_pauses_short

logger = logging.getLogger(__name__)

_LOST_IS_SAID_S = 1.0
"""So long `/healthz` says at least that the device is lost, before the process ends."""
_KEEP_ALIVE_S = 75
"""Longer than clients keep idle connections, so that they close first and none is reset in use."""


class ServeError(Exception):
    """The service could not start; the text says expected, received and remedy."""


def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM, then drain and let running requests finish.

    Raises:
        ServeError: When the port is taken, the artifact is broken, the store cannot be opened, the
            keys file cannot be used, other machines would be listened to without one, or the
            device that runs the model was lost.
    """
    check_access(settings)
    configure_logging(settings.log_level)
    if settings.overwrite_freed_memory and not overwrite_freed_memory():
        log_event(logger, logging.WARNING, "freed_memory_stays_readable")
    listener = _bind(settings.host, settings.port, prefix="")
    admin_listener = _bind(settings.admin_host, settings.admin_port, prefix="admin-")
    failures: list[BaseException] = []

    def stop(error: BaseException) -> None:
        failures.append(error)
        server.should_exit = True

    def stop_after_saying(error: BaseException) -> None:
        failures.append(error)
        server.drain(max(settings.drain_s, _LOST_IS_SAID_S))

    try:
        public = create_app(settings, when_start_fails=stop, when_lost=stop_after_saying)
    except KeysFileError as error:
        raise ServeError(str(error)) from error
    admin = create_admin_app(public, settings)
    ports = TwoPorts(public, admin, admin_port=admin_listener.getsockname()[1])
    config = _config(ports, settings)
    server = DrainingServer(config, public.state.lifecycle, drain_s=settings.drain_s)
    keep_pauses_short()
    log_event(logger, logging.INFO, "listening", url=_url(listener), admin_url=_url(admin_listener))
    with suppress(KeyboardInterrupt):
        server.run(sockets=[listener, admin_listener])
    if failures:
        raise ServeError(str(failures[0])) from failures[0]


def check_access(settings: Settings) -> None:
    """See that other machines are listened to only with API keys, or by express wish.

    Raises:
        ServeError: When they would be without.
    """
    if settings.keys_file is not None or settings.allow_anyone:
        return
    for name, host in (("host", settings.host), ("admin-host", settings.admin_host)):
        if not is_loopback(host):
            raise ServeError(
                f"expected --{name} 127.0.0.1 or a file of API keys, received {host} and no file; "
                "make keys with `reid keys new` and set REID_KEYS_FILE, or let anyone who reaches "
                "it do everything with REID_ALLOW_ANYONE=true"
            )


def _config(ports: TwoPorts, settings: Settings) -> uvicorn.Config:
    limits = HttpLimits(
        max_connections=settings.max_connections,
        header_timeout_s=settings.header_timeout_s,
        max_head_bytes=settings.max_head_bytes,
        stall_timeout_s=settings.stall_timeout_s,
    )
    return uvicorn.Config(
        ports,
        http=bounded_http(limits),
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        # Nobody writes another's address into the audit log; who asks is known by the key.
        proxy_headers=False,
        timeout_graceful_shutdown=math.ceil(settings.finish_s),
        timeout_keep_alive=_KEEP_ALIVE_S,
    )


def _bind(host: str, port: int, *, prefix: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise ServeError(
            f"expected to listen on {host} port {port}, received {error.strerror or error}; "
            f"choose another with --{prefix}host or --{prefix}port, or stop what uses it"
        ) from error


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
