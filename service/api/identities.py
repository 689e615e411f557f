"""`/galleries/{gallery}/identities`: forget a person."""

from fastapi import APIRouter

from service.api.answers import DeletedIdentityAnswer
from service.api.deadline import OUTCOME_UNKNOWN
from service.api.dependencies import OpenRuntime, RequestDeadline
from service.gallery.records import check_identifier

router = APIRouter(prefix="/galleries/{gallery}/identities", tags=["identities"])


@router.delete("/{identity:path}")
async def forget(
    gallery: str, identity: str, runtime: OpenRuntime, deadline: RequestDeadline
) -> DeletedIdentityAnswer:
    """Forget every tracklet of an identity."""
    check_identifier("identity", identity)
    async with deadline.bounding(OUTCOME_UNKNOWN):
        deleted = await runtime.gallery.delete_identity(gallery, identity)
    return DeletedIdentityAnswer(deleted=deleted)
