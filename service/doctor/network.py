"""Whether the ports are free, who may reach them, and whether the collector of traces answers."""

import http.client
import socket
from collections import Counter
from datetime import UTC, datetime
from urllib.parse import urlsplit

from service.access.keys_file import KeysFileError, read_keys
from service.doctor.finding import Finding, fail, failed, ok, warn
from service.serving import ServeError, check_access
from service.settings import Settings

_WITHIN_S = 2.0


def check_port(settings: Settings) -> Finding:
    """The port of requests."""
    return _check_port("port", settings.host, settings.port, option="--port")


def check_admin_port(settings: Settings) -> Finding:
    """The port of operators."""
    return _check_port(
        "admin port", settings.admin_host, settings.admin_port, option="--admin-port"
    )


def check_keys(settings: Settings) -> Finding:
    """Who may ask for what."""
    try:
        check_access(settings)
        records = () if settings.keys_file is None else read_keys(settings.keys_file)
    except (ServeError, KeysFileError) as error:
        return failed("keys", error)
    if settings.keys_file is None:
        return warn(
            "keys",
            f"no keys file: whoever reaches {settings.host} may do everything",
            "make keys with `reid keys new` and set REID_KEYS_FILE, unless that is meant",
        )
    now = datetime.now(UTC)
    live = [one for one in records if one.expires is None or one.expires > now]
    scopes = Counter(scope.value for one in live for scope in one.scopes)
    found = f"{len(live)} keys, {len(records) - len(live)} expired; " + ", ".join(
        f"{scope}: {count}" for scope, count in sorted(scopes.items())
    )
    if not live:
        return fail("keys", found, "make one with `reid keys new`")
    return ok("keys", found)


def check_traces(settings: Settings) -> Finding:
    """Whether somebody listens where traces are sent."""
    if settings.traces_endpoint is None:
        return ok("traces", "not sent; REID_TRACES_ENDPOINT names a collector")
    where = urlsplit(settings.traces_endpoint)
    port = where.port or (443 if where.scheme == "https" else 80)
    try:
        socket.create_connection((where.hostname or "", port), _WITHIN_S).close()
    except OSError as error:
        return warn(
            "traces",
            f"{settings.traces_endpoint}: {error.strerror or error}",
            "start the collector, or correct REID_TRACES_ENDPOINT; the service runs without",
        )
    return ok("traces", f"{settings.traces_endpoint} answers")


def _check_port(part: str, host: str, port: int, *, option: str) -> Finding:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    if port == 0:
        return ok(part, "any free one")
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        if _is_ours(host, port):
            return ok(part, f"{host} {port}: a running service answers")
        return fail(
            part,
            f"{host} {port}: {error.strerror or error}",
            f"stop what uses it, or choose another with {option}",
        )
    return ok(part, f"{host} {port} is free")


def _is_ours(host: str, port: int) -> bool:
    """Whether what answers there gives requests an id, as this service does on either port."""
    connection = http.client.HTTPConnection(host, port, timeout=_WITHIN_S)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().getheader("X-Request-ID") is not None
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
