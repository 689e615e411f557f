"""A client of a running service: typed answers, one connection pool, errors as the service says."""

from collections.abc import Iterator, Sequence
from typing import Self, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

from service.api.answers import (
    DeletedIdentityAnswer,
    DeletedTrackletAnswer,
    EmbedAnswer,
    EnrollAnswer,
    ErrorAnswer,
    PageAnswer,
    ReadyAnswer,
    SearchAnswer,
    ServedModelAnswer,
    TrackletAnswer,
)
from service.api.gallery_answers import DescribedGalleryAnswer, GalleriesAnswer
from service.api.schemas import (
    DEFAULT_GALLERY,
    EnrollBody,
    MetadataBody,
    PageQuery,
    SearchBody,
    SearchOptionsBody,
)
from service.api.verify_answers import VerifyAnswer

VERIFY_TIMEOUT_S = 3600.0
"""Of one answer to `verify_gallery`."""

Answer = TypeVar("Answer", bound=BaseModel)


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


class ReidClient:
    """Calls a running service; safe to share between threads. Use it in a `with`.

    Every method raises `ReidClientError`.

    Args:
        url: Address of the service, as `http://127.0.0.1:8000`.
        timeout_s: Longest wait for one answer.
    """

    def __init__(self, url: str, *, timeout_s: float = 60.0) -> None:
        self.url = url
        self._http = httpx.Client(base_url=url, timeout=timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def ready(self) -> ReadyAnswer:
        """Whether the service takes requests."""
        return self._ask(ReadyAnswer, self._http.build_request("GET", "/readyz"))

    def model(self) -> ServedModelAnswer:
        """Which model the service runs."""
        return self._ask(ServedModelAnswer, self._http.build_request("GET", "/model"))

    def embed(self, frames: Sequence[bytes]) -> EmbedAnswer:
        """Embed the encoded frames of one tracklet, in time order."""
        request = self._http.build_request("POST", "/embed", files=_parts(frames))
        return self._ask(EmbedAnswer, request)

    def enroll(
        self,
        tracklet_id: str,
        frames: Sequence[bytes],
        metadata: MetadataBody,
        *,
        gallery: str = DEFAULT_GALLERY,
    ) -> EnrollAnswer:
        """Enroll or replace a tracklet by its encoded frames, in time order."""
        files = _parts(frames, "metadata", metadata)
        request = self._http.build_request("PUT", _path(gallery, tracklet_id), files=files)
        return self._ask(EnrollAnswer, request)

    def enroll_embedding(
        self,
        tracklet_id: str,
        embedding: list[float] | str,
        metadata: MetadataBody,
        *,
        gallery: str = DEFAULT_GALLERY,
    ) -> EnrollAnswer:
        """Enroll or replace a tracklet by an embedding, as `embed` answered it."""
        body = EnrollBody(embedding=embedding, metadata=metadata)
        return self._send(EnrollAnswer, "PUT", _path(gallery, tracklet_id), body)

    def search(self, frames: Sequence[bytes], options: SearchOptionsBody) -> SearchAnswer:
        """Search by the encoded frames of a tracklet, in time order."""
        files = _parts(frames, "query", options)
        return self._ask(SearchAnswer, self._http.build_request("POST", "/search", files=files))

    def search_by(self, query: SearchBody) -> SearchAnswer:
        """Search by an embedding or by an enrolled tracklet."""
        return self._send(SearchAnswer, "POST", "/search", query)

    def get(
        self, tracklet_id: str, *, gallery: str = DEFAULT_GALLERY, embedding: bool = False
    ) -> TrackletAnswer:
        """What the gallery holds of a tracklet."""
        asked = {"embedding": "true" if embedding else "false"}
        request = self._http.build_request("GET", _path(gallery, tracklet_id), params=asked)
        return self._ask(TrackletAnswer, request)

    def delete(self, tracklet_id: str, *, gallery: str = DEFAULT_GALLERY) -> DeletedTrackletAnswer:
        """Forget a tracklet."""
        request = self._http.build_request("DELETE", _path(gallery, tracklet_id))
        return self._ask(DeletedTrackletAnswer, request)

    def delete_identity(
        self, identity: str, *, gallery: str = DEFAULT_GALLERY
    ) -> DeletedIdentityAnswer:
        """Forget every tracklet of an identity."""
        path = f"/galleries/{quote(gallery, safe='')}/identities/{quote(identity, safe='')}"
        return self._ask(DeletedIdentityAnswer, self._http.build_request("DELETE", path))

    def pages(
        self, query: PageQuery | None = None, *, gallery: str = DEFAULT_GALLERY
    ) -> Iterator[TrackletAnswer]:
        """Every tracklet that the query lets through, fetched page by page."""
        query = query or PageQuery()
        path = f"/galleries/{quote(gallery, safe='')}/tracklets"
        while True:
            asked = query.model_dump(exclude_none=True)
            page = self._ask(PageAnswer, self._http.build_request("GET", path, params=asked))
            yield from page.tracklets
            if page.next_cursor is None:
                return
            query = query.model_copy(update={"cursor": page.next_cursor})

    def galleries(self) -> GalleriesAnswer:
        """Every gallery, by name."""
        return self._ask(GalleriesAnswer, self._http.build_request("GET", "/galleries"))

    def describe_gallery(self, gallery: str = DEFAULT_GALLERY) -> DescribedGalleryAnswer:
        """A gallery, and how the service's process holds it."""
        path = f"/galleries/{quote(gallery, safe='')}"
        return self._ask(DescribedGalleryAnswer, self._http.build_request("GET", path))

    def verify_gallery(self, gallery: str = DEFAULT_GALLERY) -> VerifyAnswer:
        """Have every copy of a gallery compared; takes as long as reading all of it."""
        path = f"/galleries/{quote(gallery, safe='')}/verify"
        request = self._http.build_request("POST", path, timeout=VERIFY_TIMEOUT_S)
        return self._ask(VerifyAnswer, request)

    def _send(self, answer: type[Answer], method: str, path: str, body: BaseModel) -> Answer:
        request = self._http.build_request(
            method, path, content=_json(body), headers={"Content-Type": "application/json"}
        )
        return self._ask(answer, request)

    def _ask(self, answer: type[Answer], request: httpx.Request) -> Answer:
        try:
            response = self._http.send(request)
        except httpx.HTTPError as error:
            raise ReidClientError(
                f"expected the service at {self.url}, received no answer "
                f"({type(error).__name__}: {error}); start it with `reid serve`, or give its --url",
                status=None,
                code="unreachable",
            ) from error
        if response.is_error:
            raise _refusal(response)
        try:
            return answer.model_validate_json(response.content)
        except ValidationError as error:
            raise ReidClientError(
                f"expected an answer of this service, received {response.status_code} of type "
                f"{response.headers.get('content-type', 'none')!r}; check the --url",
                status=response.status_code,
                code="unknown_answer",
            ) from error


def _parts(
    frames: Sequence[bytes], field: str | None = None, body: BaseModel | None = None
) -> list[tuple[str, tuple[str, bytes, str]]]:
    parts = [
        ("frames", (f"{place:05}", frame, "application/octet-stream"))
        for place, frame in enumerate(frames)
    ]
    if field is not None and body is not None:
        parts.insert(0, (field, (field, _json(body), "application/json")))
    return parts


def _json(body: BaseModel) -> bytes:
    return body.model_dump_json(exclude_none=True).encode("utf-8")


def _path(gallery: str, tracklet_id: str) -> str:
    return f"/galleries/{quote(gallery, safe='')}/tracklets/{quote(tracklet_id, safe='')}"


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
