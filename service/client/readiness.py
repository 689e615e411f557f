"""Waits for a service that was started a moment ago; the first start on a machine takes longest."""

import time
from collections.abc import Callable
from http import HTTPStatus

from rich.console import Console

from service.client.client import ReidClient
from service.client.connection import ReidClientError

LONGEST_START_S = 180.0
"""The first start measures how to run the model, on a busy machine for most of a minute."""
_PAUSE_S = 1.0


def await_ready(
    client: ReidClient,
    *,
    longest_s: float = LONGEST_START_S,
    sleep: Callable[[float], object] = time.sleep,
) -> None:
    """Return when the service is ready; meanwhile say on a terminal what it is doing.

    Raises:
        ReidClientError: When there is no answer, or it is still not ready after `longest_s`.
    """
    waited_s = 0.0
    with Console(stderr=True).status("asking the service") as status:
        while True:
            try:
                client.ready()
            except ReidClientError as error:
                if error.status != HTTPStatus.SERVICE_UNAVAILABLE or waited_s >= longest_s:
                    raise
                status.update(f"waiting: {error.message}")
                sleep(_PAUSE_S)
                waited_s += _PAUSE_S
            else:
                return
