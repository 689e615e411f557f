"""One pool of connections to a running service: typed answers, errors as the service says."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

from service.api.answers import ErrorAnswer

Answer = TypeVar("Answer", bound=BaseModel)

Params = Mapping[str, str | int | float | bool]


class ReidClientError(Exception):
    """The service refused a request, or could not be reached.

    Attributes:
        status: HTTP status; None when there was no answer.
        code: The service's stable code; `unreachable` when there was no answer.
        message: What was expected, what was received and what to do.
        retry_after_s: Seconds to wait before a retry, where the service says so.
    """

    def __init__(
        self, message: str, *, status: int | None, code: str, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after_s = retry_after_s


class Connection:
    """Sends requests; safe to share between threads. Every method raises `ReidClientError`.

    Args:
        url: Address of the service, as `http://127.0.0.1:8000`.
        timeout_s: Longest wait for one answer, or for one piece of a streamed one.
        api_key: Sent with every request; None where the service asks for none.
    """

    def __init__(self, url: str, *, timeout_s: float, api_key: str | None = None) -> None:
        self.url = url
        self._timeout_s = timeout_s
        headers = {} if api_key is None else {"Authorization": f"Bearer {api_key}"}
        self._http = httpx.Client(base_url=url, timeout=timeout_s, headers=headers)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def get(self, answer: type[Answer], path: str, params: Params | None = None) -> Answer:
        """The answer to a GET."""
        return self.ask(answer, self.request("GET", path, params=params))

    def delete(self, answer: type[Answer], path: str) -> Answer:
        """The answer to a DELETE."""
        return self.ask(answer, self.request("DELETE", path))

    def send(self, answer: type[Answer], method: str, path: str, body: BaseModel) -> Answer:
        """The answer to JSON."""
        headers = {"Content-Type": "application/json"}
        return self.ask(answer, self.request(method, path, content=json_of(body), headers=headers))

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        content: bytes | Iterable[bytes] | None = None,
        files: list[tuple[str, tuple[str, bytes, str]]] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
    ) -> httpx.Request:
        """A request that `ask` or `lines` sends."""
        return self._http.build_request(
            method,
            path,
            params=None if params is None else dict(params),
            content=content,
            files=files,
            headers=None if headers is None else dict(headers),
            timeout=self._timeout_s if timeout_s is None else timeout_s,
        )

    def ask(self, answer: type[Answer], request: httpx.Request) -> Answer:
        """The answer, read whole."""
        with self._sent(request, stream=False) as response:
            try:
                return answer.model_validate_json(response.content)
            except ValidationError as error:
                raise unknown_answer(response) from error

    def lines(self, request: httpx.Request) -> Iterator[bytes]:
        """The lines of the answer, as they come."""
        with self._sent(request, stream=True) as response:
            rest = b""
            for piece in response.iter_bytes():
                *whole, rest = (rest + piece).split(b"\n")
                yield from whole
            if rest:
                yield rest

    @contextmanager
    def _sent(self, request: httpx.Request, *, stream: bool) -> Iterator[httpx.Response]:
        response: httpx.Response | None = None
        try:
            response = self._http.send(request, stream=stream)
            if response.is_error:
                response.read()
                raise _refusal(response)
            yield response
        except httpx.HTTPError as error:
            raise ReidClientError(
                f"expected the service at {self.url}, received no answer "
                f"({type(error).__name__}: {error}); start it with `reid serve`, or give its --url",
                status=None,
                code="unreachable",
            ) from error
        finally:
            if response is not None:
                response.close()


def path_of(*steps: str) -> str:
    """A path of these steps, each escaped."""
    return "".join(f"/{quote(step, safe=':')}" for step in steps)


def json_of(body: BaseModel) -> bytes:
    """The body as JSON, without what is left out."""
    return body.model_dump_json(exclude_none=True).encode("utf-8")


def unknown_answer(response: httpx.Response) -> ReidClientError:
    """The error for an answer that is none of this service."""
    return ReidClientError(
        f"expected an answer of this service, received {response.status_code} of type "
        f"{response.headers.get('content-type', 'none')!r}; check the --url",
        status=response.status_code,
        code="unknown_answer",
    )


def _refusal(response: httpx.Response) -> ReidClientError:
    try:
        detail = ErrorAnswer.model_validate_json(response.content).error
        code, message = detail.code, detail.message
    except ValidationError:
        code = "unknown_answer"
        message = (
            f"expected an answer of this service, received status {response.status_code}; "
            "check the --url"
        )
    wait = response.headers.get("Retry-After", "")
    return ReidClientError(
        message,
        status=response.status_code,
        code=code,
        retry_after_s=float(wait) if wait.isdecimal() else None,
    )
