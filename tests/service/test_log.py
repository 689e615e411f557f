import io
import json
import logging
import warnings

import pytest

from service.log import JsonLines, configure_logging, log_event


@pytest.fixture
def logger():
    logger = logging.getLogger("test_log")
    logger.propagate = False
    logger.setLevel(logging.DEBUG)
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logger.addHandler(handler)
    logger.lines = lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    yield logger
    logger.removeHandler(handler)


def test_an_event_is_one_line_with_its_fields_beside_it(logger):
    log_event(logger, logging.INFO, "request", status=200, route="/embed", request_id=None)
    (line,) = logger.lines()
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "info",
        "event": "request",
        "status": 200,
        "route": "/embed",
        "request_id": None,
    }


def test_line_breaks_stay_inside_the_line(logger):
    log_event(logger, logging.WARNING, "odd", text='two\nlines "quoted"')
    assert logger.lines()[0]["text"] == 'two\nlines "quoted"'


def test_a_traceback_is_a_field_of_its_line(logger):
    try:
        {}["lost"]
    except KeyError:
        logger.exception("failed")
    log_event(logger, logging.ERROR, "failed", error=ValueError("given"), code="x")
    line, given = logger.lines()
    assert (given["exception"], given["code"]) == ("ValueError: given", "x")
    assert line["event"] == "failed"
    assert "KeyError: 'lost'" in line["exception"]


def test_configured_logging_formats_every_logger_and_keeps_to_the_level(capsys):
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        configure_logging("warning")
        logging.getLogger("someone.else").info("quiet")
        logging.getLogger("someone.else").warning("heard %s", "well")
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("worn out", UserWarning, stacklevel=1)
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        logging.captureWarnings(capture=False)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert lines[0]["event"] == "heard well"
    assert [line["level"] for line in lines] == ["warning"] * len(lines)
