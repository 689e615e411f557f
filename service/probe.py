"""Asks the service in this container how it is: `python -m service.probe /readyz`.

An image without curl needs something to ask with; the command `reid` would first load its client.
"""

import http.client
import os
import sys

_TIMEOUT_S = 4.0
_PORT = "REID_PORT"


def probe(path: str, *, port: int) -> str | None:
    """None when `path` answers 200 on this machine; else what came instead, in one line."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        said = answer.read(1000).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        return f"{type(error).__name__}: {error}"
    finally:
        connection.close()
    return None if answer.status == http.HTTPStatus.OK else f"{answer.status} {said}"


def main() -> None:
    """Exit with 0 or 1, as a container's health check has to; say what is wrong."""
    path = sys.argv[1] if len(sys.argv) > 1 else "/healthz"
    received = probe(path, port=int(os.environ.get(_PORT, "8000")))
    if received is not None:
        sys.exit(f"expected 200 from {path}, received {received}; see the log of the service")


if __name__ == "__main__":
    main()
