"""The only place where an error becomes an answer."""

import logging

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from service.access.refusals import Unauthorized
from service.answered_request import CLIENT_CLOSED_REQUEST
from service.api.answers import ErrorDetail
from service.api.error_shapes import error_body
from service.api.request_log import REQUEST_ID_HEADER, note_error, request_id
from service.api.validation import field_error
from service.errors import (
    InvalidQuery,
    MalformedRequest,
    MethodNotAllowed,
    NotFound,
    ReidError,
)
from service.log import log_event

logger = logging.getLogger(__name__)


def install_error_handlers(app: FastAPI) -> None:
    """Make every error of the application an `ErrorAnswer`."""
    app.add_exception_handler(ReidError, _on_reid_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_parameters)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(ClientDisconnect, _on_client_gone)
    app.add_exception_handler(Exception, _on_unexpected)


def error_answer(request: Request, error: ReidError) -> Response:
    """The answer to `error`, with its status, code and Retry-After."""
    note_error(request.scope, error.code)
    headers = {}
    if error.retry_after_s is not None:
        headers["Retry-After"] = str(error.retry_after_s)
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = 'Bearer realm="tracklet-reid"'
    return Response(
        error_body(request.url.path, error.status, error_detail(request, error)),
        status_code=error.status,
        headers=headers,
        media_type="application/json",
    )


def error_detail(request: Request, error: ReidError) -> ErrorDetail:
    """What an answer says of `error`."""
    return ErrorDetail(
        code=error.code,
        message=str(error),
        expected=error.expected,
        received=error.received,
        remedy=error.remedy,
        request_id=request_id(request.scope),
    )


def line_error(request: Request, error: ReidError) -> ErrorDetail:
    """What an answer of lines says of `error`, which is one line's and not the request's."""
    _log_failure(error)
    return error_detail(request, error)


def _log_failure(error: ReidError) -> None:
    if error.status < 500:
        return
    cause = error.__cause__
    # What is unavailable is so for many requests, to a probe at each start; what is broken has to
    # be found.
    broken = error.status == 500
    log_event(
        logger,
        logging.ERROR if broken else logging.WARNING,
        "request_failed",
        error=cause if broken else None,
        code=error.code,
        received=error.received,
        cause=type(cause).__name__ if cause else None,
    )


async def _on_reid_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, ReidError):
        return await _on_unexpected(request, error)
    _log_failure(error)
    return error_answer(request, error)


async def _on_invalid_parameters(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        return await _on_unexpected(request, error)
    found = [{**finding, "loc": finding["loc"][1:]} for finding in error.errors()]
    return error_answer(request, field_error(found, fault=InvalidQuery))  # type: ignore[arg-type]


async def _on_http_exception(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        return await _on_unexpected(request, error)
    answer = error_answer(request, _routing_error(request, error))
    answer.headers.update(error.headers or {})
    return answer


async def _on_client_gone(_request: Request, _error: Exception) -> Response:
    """Nobody reads this answer; the status is for the log."""
    return Response(status_code=CLIENT_CLOSED_REQUEST)


async def _on_unexpected(request: Request, error: Exception) -> Response:
    """The details go to the log alone, under the same request id."""
    # Called outside of the request log, which would name the request otherwise.
    log_event(
        logger,
        logging.ERROR,
        "unexpected_failure",
        error=error,
        request_id=request_id(request.scope),
    )
    answer = error_answer(
        request,
        ReidError(
            expected="the request to be served",
            received="an unexpected failure",
            remedy="report the request id; the service's log has the details",
        ),
    )
    answer.headers[REQUEST_ID_HEADER] = request_id(request.scope) or ""
    return answer


def _routing_error(request: Request, error: HTTPException) -> ReidError:
    asked = f"{request.method} {request.url.path}"[:200]
    if error.status_code == NotFound.status:
        return NotFound(
            expected="a path of this service", received=asked, remedy="/docs lists the paths"
        )
    if error.status_code == MethodNotAllowed.status:
        allowed = (error.headers or {}).get("Allow", "another method")
        return MethodNotAllowed(
            expected=allowed, received=asked, remedy="/docs lists the methods of each path"
        )
    if error.status_code < 500:
        return MalformedRequest(
            expected="a well-formed request",
            received=str(error.detail)[:200],
            remedy="/docs shows how to call each path",
        )
    return ReidError(
        expected="the request to be served",
        received=f"status {error.status_code}",
        remedy="report the request id",
    )
