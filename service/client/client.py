"""A client of a running service: embed, enroll, search, read and forget tracklets."""

from collections.abc import Iterator
from typing import Self

from service.api.answers import (
    DeletedIdentityAnswer,
    DeletedTrackletAnswer,
    EmbedAnswer,
    EnrollAnswer,
    PageAnswer,
    ReadyAnswer,
    SearchAnswer,
    ServedModelAnswer,
    TrackletAnswer,
)
from service.api.schemas import (
    DEFAULT_GALLERY,
    EnrollBody,
    MetadataBody,
    PageQuery,
    SearchBody,
    SearchOptionsBody,
)
from service.client.connection import Answer, Connection, path_of
from service.client.forgetting_client import ForgettingClient
from service.client.gallery_client import GalleryClient
from service.client.tracklet_body import HEADERS, Tracklet, packed_tracklet


class ReidClient:
    """Calls a running service; safe to share between threads. Use it in a `with`.

    Every method raises `ReidClientError`.

    Args:
        url: Address of the service, as `http://127.0.0.1:8000`.
        admin_url: Of its second port, as `http://127.0.0.1:8001`; the audit log is read there.
        api_key: As `reid keys new` printed it; None where the service asks for none.
        timeout_s: Longest wait for one answer.

    Attributes:
        galleries: Galleries as a whole, batches and identities.
        forgetting: Erasures and the audit log.
    """

    def __init__(
        self,
        url: str,
        *,
        admin_url: str | None = None,
        api_key: str | None = None,
        timeout_s: float = 60.0,
    ) -> None:
        self._connection = Connection(url, timeout_s=timeout_s, api_key=api_key)
        self._admin = (
            None
            if admin_url is None
            else Connection(admin_url, timeout_s=timeout_s, api_key=api_key)
        )
        self.galleries = GalleryClient(self._connection)
        self.forgetting = ForgettingClient(self._connection, self._admin)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()
        if self._admin is not None:
            self._admin.close()

    def ready(self) -> ReadyAnswer:
        """Whether the service takes requests."""
        return self._connection.get(ReadyAnswer, "/readyz")

    def model(self) -> ServedModelAnswer:
        """Which model the service runs."""
        return self._connection.get(ServedModelAnswer, "/model")

    def embed(self, tracklet: Tracklet) -> EmbedAnswer:
        """Embed one tracklet: its files in time order, its pixels, or a video of it."""
        return self._send(EmbedAnswer, "POST", "/embed", packed_tracklet(tracklet))

    def enroll(
        self,
        tracklet_id: str,
        tracklet: Tracklet,
        metadata: MetadataBody,
        *,
        gallery: str = DEFAULT_GALLERY,
    ) -> EnrollAnswer:
        """Enroll or replace a tracklet by its files in time order, its pixels, or a video."""
        body = packed_tracklet(tracklet, "metadata", metadata)
        return self._send(EnrollAnswer, "PUT", _path(gallery, tracklet_id), body)

    def enroll_embedding(
        self,
        tracklet_id: str,
        embedding: list[float] | str,
        metadata: MetadataBody,
        *,
        gallery: str = DEFAULT_GALLERY,
        model: str | None = None,
    ) -> EnrollAnswer:
        """Enroll or replace a tracklet by an embedding, as `embed` answered it.

        With `model`, the fingerprint in that answer, an embedding of another model is refused.
        """
        body = EnrollBody(embedding=embedding, model=model, metadata=metadata)
        return self._connection.send(EnrollAnswer, "PUT", _path(gallery, tracklet_id), body)

    def search(self, tracklet: Tracklet, options: SearchOptionsBody) -> SearchAnswer:
        """Search by a tracklet's files in time order, its pixels, or a video of it."""
        body = packed_tracklet(tracklet, "query", options)
        return self._send(SearchAnswer, "POST", "/search", body)

    def search_by(self, query: SearchBody) -> SearchAnswer:
        """Search by an embedding or by an enrolled tracklet."""
        return self._connection.send(SearchAnswer, "POST", "/search", query)

    def get(
        self, tracklet_id: str, *, gallery: str = DEFAULT_GALLERY, embedding: bool = False
    ) -> TrackletAnswer:
        """What the gallery holds of a tracklet."""
        asked = {"embedding": "true" if embedding else "false"}
        return self._connection.get(TrackletAnswer, _path(gallery, tracklet_id), asked)

    def delete(self, tracklet_id: str, *, gallery: str = DEFAULT_GALLERY) -> DeletedTrackletAnswer:
        """Forget a tracklet."""
        return self._connection.delete(DeletedTrackletAnswer, _path(gallery, tracklet_id))

    def delete_identity(
        self, identity: str, *, gallery: str = DEFAULT_GALLERY
    ) -> DeletedIdentityAnswer:
        """Forget every tracklet of an identity."""
        path = path_of("galleries", gallery, "identities", identity)
        return self._connection.delete(DeletedIdentityAnswer, path)

    def pages(
        self, query: PageQuery | None = None, *, gallery: str = DEFAULT_GALLERY
    ) -> Iterator[TrackletAnswer]:
        """Every tracklet that the query lets through, fetched page by page."""
        query = query or PageQuery()
        path = path_of("galleries", gallery, "tracklets")
        while True:
            asked = query.model_dump(exclude_none=True)
            page = self._connection.get(PageAnswer, path, asked)
            yield from page.tracklets
            if page.next_cursor is None:
                return
            query = query.model_copy(update={"cursor": page.next_cursor})

    def _send(self, answer: type[Answer], method: str, path: str, body: bytes) -> Answer:
        request = self._connection.request(method, path, content=body, headers=HEADERS)
        return self._connection.ask(answer, request)


def _path(gallery: str, tracklet_id: str) -> str:
    return path_of("galleries", gallery, "tracklets", tracklet_id)
