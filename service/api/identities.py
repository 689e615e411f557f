"""`/galleries/{gallery}/identities`: list people, say who is who, forget a person."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from service.access.principal import AccessScope
from service.api.access import requires
from service.api.answers import DeletedIdentityAnswer
from service.api.audited import RequestAudit
from service.api.deadline import NOTHING_KEPT, OUTCOME_UNKNOWN
from service.api.dependencies import OpenRuntime, RequestDeadline, page_limit
from service.api.erasures import ACCEPTED, PersonErasing
from service.api.forgetting_answers import ErasureAnswer
from service.api.gallery_answers import IdentitiesAnswer, IdentityAnswer
from service.api.gallery_seq import MinSeq, later_of, show_seq
from service.api.schemas import PagingQuery
from service.gallery.deletion import delete_identity
from service.gallery.erasure_places import Subject
from service.gallery.listing import Paging, list_identities
from service.gallery.records import check_identifier

router = APIRouter(prefix="/galleries/{gallery}/identities", tags=["identities"])


@router.get("", dependencies=[requires(AccessScope.SEARCH)])
async def list_page(
    gallery: str,
    response: Response,
    runtime: OpenRuntime,
    deadline: RequestDeadline,
    query: Annotated[PagingQuery, Query()],
    min_seq: MinSeq,
) -> IdentitiesAnswer:
    """One page of identities by name, with the number of their tracklets."""
    paging = Paging(query.cursor, page_limit(query.limit, runtime.settings.max_page))
    asked_seq = later_of(query.min_seq, min_seq)
    within_s = runtime.settings.min_seq_within_s
    async with deadline.bounding(NOTHING_KEPT):
        listed = await runtime.gallery.read(
            gallery,
            lambda held: list_identities(held, paging, min_seq=asked_seq, within_s=within_s),
        )
    page = listed.value
    show_seq(response, page.seq)
    return IdentitiesAnswer(
        identities=[
            IdentityAnswer(identity=one.identity, tracklets=one.tracklets)
            for one in page.identities
        ],
        next_cursor=page.next_cursor,
        seq=page.seq,
    )


@router.delete(
    "/{identity:path}", dependencies=[requires(AccessScope.GALLERY_WRITE)], responses=ACCEPTED
)
async def forget(
    gallery: str,
    identity: str,
    response: Response,
    runtime: OpenRuntime,
    deadline: RequestDeadline,
    audit: RequestAudit,
    erasing: PersonErasing,
) -> DeletedIdentityAnswer | ErasureAnswer:
    """Delete every tracklet of an identity; with `?erase=true` no byte is left either."""
    check_identifier("identity", identity)
    if erasing.asked:
        return await erasing.erase(gallery, Subject(identity=identity), response)
    async with deadline.bounding(OUTCOME_UNKNOWN):
        await audit.record("delete", gallery, identity)
        done = await runtime.gallery.write(gallery, lambda held: delete_identity(held, identity))
    show_seq(response, done.value.seq)
    return DeletedIdentityAnswer(deleted=done.value.tracklets, seq=done.value.seq)
