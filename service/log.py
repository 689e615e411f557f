"""One event, one line of JSON, on standard error: a constant message with its fields beside it.

Never a tracklet id, an identity, a camera, a pixel or an embedding.
"""

import logging
import sys
from datetime import UTC, datetime

import orjson

Field = str | int | float | bool | None

_FIELDS = "event_fields"


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
    logger.log(level, event, exc_info=error, extra={_FIELDS: fields})


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
