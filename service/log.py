"""One event, one line of JSON, on standard error: a constant message with its fields beside it.

Never a tracklet id, an identity, a camera, a pixel or an embedding.
"""

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

import orjson

Field = str | int | float | bool | None

_FIELDS = "event_fields"
_REQUEST: ContextVar[str | None] = ContextVar("request_of_log", default=None)


def configure_logging(level: str) -> None:
    """Send every logger of the process, the server's included, through `JsonLines`.

    Args:
        level: One of debug, info, warning and error.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.captureWarnings(capture=True)
    for chatty in ("uvicorn.error", "asyncio", "httpx", "httpcore"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))
    logging.getLogger("python_multipart").setLevel(logging.ERROR)


def log_event(
    logger: logging.Logger,
    level: int,
    event: str,
    *,
    error: BaseException | None = None,
    **fields: Field,
) -> None:
    """Log `event`, which is the same text every time, with `fields` beside it.

    Args:
        logger: Of the module where it happens.
        level: As `logging` numbers it.
        event: What happened.
        error: An error whose traceback becomes the field `exception`.
        **fields: What is particular this time.
    """
    log_fields(logger, level, event, fields, error=error)


def log_fields(
    logger: logging.Logger,
    level: int,
    event: str,
    fields: Mapping[str, Field],
    *,
    error: BaseException | None = None,
) -> None:
    """As `log_event`, with fields whose names are not known before."""
    request_id = _REQUEST.get()
    told = fields if request_id is None else {"request_id": request_id, **fields}
    logger.log(level, event, exc_info=error, extra={_FIELDS: told})


@contextmanager
def request_of_log(request_id: str) -> Iterator[None]:
    """Lines that are logged within, also by tasks that are started within, have `request_id`."""
    token = _REQUEST.set(request_id)
    try:
        yield
    finally:
        _REQUEST.reset(token)


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON; a traceback is a field of its line."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON, without a line break."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, _FIELDS, {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode("utf-8")
