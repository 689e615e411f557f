"""A client for what a service forgot and who asked: erasures with their receipts, the audit log."""

from collections.abc import Iterator

from service.api.forgetting_answers import (
    AuditAnswer,
    AuditEntryAnswer,
    ErasureAnswer,
    ErasuresAnswer,
)
from service.client.connection import Connection, ReidClientError, path_of

AUDIT_PAGE = 50
"""Entries fetched at a time."""


class ForgettingClient:
    """Every method raises `ReidClientError`.

    Args:
        connection: To the service.
        admin: To its second port, where the audit log is read; None when its address is not known.
    """

    def __init__(self, connection: Connection, admin: Connection | None) -> None:
        self._connection = connection
        self._admin = admin

    def erase_identity(
        self, gallery: str, identity: str, *, purpose: str | None = None, wait: bool = False
    ) -> ErasureAnswer:
        """Leave no byte of a person; `wait` until the receipt is final, if that takes seconds."""
        path = path_of("galleries", gallery, "identities", identity)
        return self._erased(path, purpose=purpose, wait=wait)

    def erase_tracklet(
        self, gallery: str, tracklet_id: str, *, purpose: str | None = None, wait: bool = False
    ) -> ErasureAnswer:
        """As `erase_identity`, for one tracklet."""
        path = path_of("galleries", gallery, "tracklets", tracklet_id)
        return self._erased(path, purpose=purpose, wait=wait)

    def erasures(self, gallery: str) -> list[ErasureAnswer]:
        """Every receipt of a gallery, oldest first."""
        path = path_of("galleries", gallery, "erasures")
        return self._connection.get(ErasuresAnswer, path).erasures

    def erasure(self, gallery: str, receipt_id: str) -> ErasureAnswer:
        """One receipt, as far as the erasure has come."""
        path = path_of("galleries", gallery, "erasures", receipt_id)
        return self._connection.get(ErasureAnswer, path)

    def audit(self, *, purpose: str | None = None) -> Iterator[AuditEntryAnswer]:
        """The audit log up to now, oldest entry first; that it is read is an entry too."""
        if self._admin is None:
            raise ReidClientError(
                "expected the address of the second port to read the audit log, received none; "
                "give admin_url, http://127.0.0.1:8001 unless the service says another",
                status=None,
                code="no_admin_url",
            )
        asked: dict[str, str | int] = {"limit": AUDIT_PAGE}
        while True:
            request = self._admin.request("GET", "/audit", params=asked, headers=_headers(purpose))
            page = self._admin.ask(AuditAnswer, request)
            yield from page.entries
            # Each page read adds an entry, so that there would always be one more.
            if len(page.entries) < AUDIT_PAGE or page.next_cursor is None:
                return
            asked["cursor"] = page.next_cursor

    def _erased(self, path: str, *, purpose: str | None, wait: bool) -> ErasureAnswer:
        asked = {"erase": "true", "wait": "true" if wait else "false"}
        headers = _headers(purpose)
        request = self._connection.request("DELETE", path, params=asked, headers=headers)
        return self._connection.ask(ErasureAnswer, request)


def _headers(purpose: str | None) -> dict[str, str]:
    return {} if purpose is None else {"X-Purpose": purpose}
