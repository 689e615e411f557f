"""`POST /galleries/{gallery}/verify`: read the whole store, and compare every copy with it."""

from fastapi import APIRouter

from service.access.principal import AccessScope
from service.api.access import requires
from service.api.dependencies import OpenRuntime
from service.api.verify_answers import VerifyAnswer, verify_answer

router = APIRouter(
    prefix="/galleries",
    tags=["galleries"],
    dependencies=[requires(AccessScope.ADMIN)],
)


@router.post("/{gallery}/verify")
async def verify(gallery: str, runtime: OpenRuntime) -> VerifyAnswer:
    """Compare rows, count, digest, log, index and snapshots; 200 also when they do not agree.

    It takes as long as reading the whole gallery, and no deadline cuts it short; searches and
    writes go on.
    """
    found = await runtime.gallery.read(gallery, lambda held: held.replica.verify())
    return verify_answer(found.value, runtime.settings.replica_name)
