"""`/galleries`: create, list, describe and delete galleries; compare and prove what is held."""

from fastapi import APIRouter, Request, Response

from service.access.principal import AccessScope
from service.api.access import requires
from service.api.audited import RequestAudit
from service.api.deadline import NOTHING_KEPT, OUTCOME_UNKNOWN
from service.api.dependencies import OpenRuntime, RequestDeadline, read_json_only
from service.api.gallery_answers import (
    DescribedGalleryAnswer,
    DigestAnswer,
    DroppedGalleryAnswer,
    GalleriesAnswer,
    GalleryAnswer,
    GalleryModelAnswer,
)
from service.api.gallery_schemas import CreateGalleryBody
from service.api.gallery_seq import MinSeq, show_seq
from service.api.request_docs import json_docs
from service.api.validation import parse_json
from service.errors import InvalidInput
from service.gallery.catalogue import Catalogue
from service.gallery.open_gallery import OpenGallery
from service.gallery.stores.protocol import GalleryInfo, GallerySpec, GalleryState

router = APIRouter(prefix="/galleries", tags=["galleries"])


@router.get("", dependencies=[requires(AccessScope.SEARCH)])
async def list_galleries(runtime: OpenRuntime, deadline: RequestDeadline) -> GalleriesAnswer:
    """Every gallery, by name."""
    async with deadline.bounding(NOTHING_KEPT):
        infos, aliases = await runtime.gallery.manage(_listed)
    return GalleriesAnswer(galleries=[_gallery_answer(info, aliases) for info in infos])


@router.post(
    "",
    dependencies=[requires(AccessScope.GALLERY_WRITE)],
    openapi_extra=json_docs(CreateGalleryBody),
    responses={201: {"model": GalleryAnswer, "description": "A new gallery was created"}},
)
async def create(
    request: Request, response: Response, runtime: OpenRuntime, deadline: RequestDeadline
) -> GalleryAnswer:
    """Create a gallery for the served model: 201 when new, 200 when it was there like this."""
    async with deadline.bounding(NOTHING_KEPT):
        raw = await read_json_only(request, runtime.settings.max_json_bytes)
        body = parse_json(CreateGalleryBody, raw, fault=InvalidInput)
    spec = GallerySpec(runtime.gallery.model, body.max_tracklets, body.retention_s)
    async with deadline.bounding(OUTCOME_UNKNOWN):
        info, created = await runtime.gallery.manage(
            lambda catalogue: catalogue.create(body.name, spec)
        )
        aliases = await runtime.gallery.manage(lambda catalogue: catalogue.aliases())
    response.status_code = 201 if created else 200
    return _gallery_answer(info, aliases)


@router.get("/{gallery}", dependencies=[requires(AccessScope.SEARCH)])
async def describe(
    gallery: str,
    response: Response,
    runtime: OpenRuntime,
    deadline: RequestDeadline,
    min_seq: MinSeq,
) -> DescribedGalleryAnswer:
    """A gallery, and how this process holds it."""
    within_s = runtime.settings.min_seq_within_s

    def described(held: OpenGallery) -> DescribedGalleryAnswer:
        if min_seq is not None:
            held.replica.wait_for(min_seq, within_s)
        return _described(held, runtime.settings.replica_name, runtime.gallery.catalogue)

    async with deadline.bounding(NOTHING_KEPT):
        answer = (await runtime.gallery.read(gallery, described)).value
    show_seq(response, answer.seq)
    return answer


@router.delete("/{gallery:path}", dependencies=[requires(AccessScope.GALLERY_WRITE)])
async def drop(
    gallery: str, runtime: OpenRuntime, deadline: RequestDeadline, audit: RequestAudit
) -> DroppedGalleryAnswer:
    """Delete a gallery, by its own name, with everything that is in it."""
    async with deadline.bounding(OUTCOME_UNKNOWN):
        await audit.record("drop", gallery)
        info = await runtime.gallery.manage(lambda catalogue: catalogue.drop(gallery))
    return DroppedGalleryAnswer(deleted=True, gallery=info.name, gallery_id=info.gallery_id)


@router.get("/{gallery}/digest", dependencies=[requires(AccessScope.SEARCH)])
async def digest(
    gallery: str,
    response: Response,
    runtime: OpenRuntime,
    deadline: RequestDeadline,
    min_seq: MinSeq,
) -> DigestAnswer:
    """What this replica holds, in a form that can be compared with another's."""
    within_s = runtime.settings.min_seq_within_s
    async with deadline.bounding(NOTHING_KEPT):
        found = await runtime.gallery.read(
            gallery, lambda held: held.view(min_seq=min_seq, within_s=within_s).state
        )
    state = found.value
    show_seq(response, state.seq)
    return DigestAnswer(
        gallery=found.gallery.name,
        gallery_id=found.gallery.gallery_id,
        replica=runtime.settings.replica_name,
        seq=state.seq,
        tracklets=state.tracklets,
        digest=_hexadecimal(state),
        chain=state.chain,
    )


def _listed(catalogue: Catalogue) -> tuple[list[GalleryInfo], dict[str, GalleryInfo]]:
    return catalogue.infos(), catalogue.aliases()


def _gallery_answer(info: GalleryInfo, aliases: dict[str, GalleryInfo]) -> GalleryAnswer:
    model = info.spec.model
    return GalleryAnswer(
        gallery=info.name,
        gallery_id=info.gallery_id,
        model=GalleryModelAnswer(fingerprint=model.fingerprint, dimension=model.dimension),
        created=info.created_s,
        max_tracklets=info.spec.max_tracklets,
        retention_s=info.spec.retention_s,
        aliases=[alias for alias, of in aliases.items() if of.gallery_id == info.gallery_id],
    )


def _described(held: OpenGallery, replica: str, catalogue: Catalogue) -> DescribedGalleryAnswer:
    status, state = held.replica.status(), held.replica.view().state
    return DescribedGalleryAnswer(
        **_gallery_answer(held.info, catalogue.aliases()).model_dump(),
        replica=replica,
        phase=status.phase,
        ready=status.is_ready,
        reason=status.reason,
        tracklets=state.tracklets,
        seq=state.seq,
        digest=_hexadecimal(state),
        chain=state.chain,
        tier="ann" if held.approximate.status().state == "published" else "exact",
        stored_seq=status.stored_seq,
        stale_for_s=status.stale_for_s,
        snapshot_seq=status.snapshot_seq,
        quarantined=len(status.damaged),
        embedding_bytes=state.tracklets * held.info.spec.model.dimension * 4,
    )


def _hexadecimal(state: GalleryState) -> str:
    return f"{state.digest:016x}"
