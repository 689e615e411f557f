"""`/audit`: who searched for, read, exported or erased whom, when, and to what purpose."""

import base64
import re
from typing import Annotated

from fastapi import APIRouter, Query

from service.access.principal import AccessScope
from service.api.access import requires
from service.api.audited import RequestAudit
from service.api.deadline import NOTHING_KEPT
from service.api.dependencies import OpenRuntime, RequestDeadline, page_limit
from service.api.forgetting_answers import AuditAnswer, AuditEntryAnswer
from service.api.schemas import AuditQuery
from service.errors import InvalidQuery

router = APIRouter(tags=["audit"], dependencies=[requires(AccessScope.ADMIN)])

_POSITION = re.compile(r"[0-9]{1,20}(-[0-9]{1,20})?")
_MARK = "audit/"


@router.get("/audit")
async def read_audit(
    runtime: OpenRuntime,
    deadline: RequestDeadline,
    query: Annotated[AuditQuery, Query()],
    audit: RequestAudit,
) -> AuditAnswer:
    """One page of the audit log, oldest first; reading it is an entry too."""
    limit = page_limit(query.limit, runtime.settings.max_page)
    after = None if query.cursor is None else position_of(query.cursor)
    store = runtime.gallery.store
    async with deadline.bounding(NOTHING_KEPT):
        found = await runtime.gallery.in_thread(
            lambda: store.audit_entries(after=after, limit=limit)
        )
        await audit.record("read_audit", "", count=len(found))
    return AuditAnswer(
        entries=[
            AuditEntryAnswer(
                at=entry.at_s,
                actor=entry.actor,
                action=entry.action,
                gallery=entry.gallery,
                subject=entry.subject,
                purpose=entry.purpose,
                request_id=entry.request_id,
                count=entry.count,
            )
            for _, entry in found
        ],
        next_cursor=cursor_at(found[-1][0]) if found else query.cursor,
    )


def cursor_at(position: str) -> str:
    """The cursor of the page that follows this position of the store."""
    return base64.urlsafe_b64encode(f"{_MARK}{position}".encode()).decode("ascii")


def position_of(cursor: str) -> str:
    """The position that the cursor follows.

    Raises:
        InvalidQuery: When it is not a cursor of ours.
    """
    try:
        text = base64.b64decode(cursor, altchars=b"-_", validate=True).decode("ascii")
    except ValueError:
        text = ""
    position = text.removeprefix(_MARK)
    if text.startswith(_MARK) and _POSITION.fullmatch(position):
        return position
    raise InvalidQuery(
        expected="`cursor` as a page of the audit log gave it in `next_cursor`",
        received="one that no page of it gave",
        remedy="start again without a cursor",
    )
