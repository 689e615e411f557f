"""`/galleries/{gallery}/tracklets:batch` and `:delete`: many tracklets by one request."""

from fastapi import APIRouter, Request, Response

from service.access.principal import AccessScope
from service.api.access import requires
from service.api.audited import RequestAudit
from service.api.deadline import NOTHING_KEPT, OUTCOME_UNKNOWN
from service.api.dependencies import OpenRuntime, RequestDeadline, read_json_only
from service.api.embedding_codec import embedding_of_model
from service.api.filter_json import read_filter
from service.api.gallery_answers import BatchAnswer, ChangeAnswer, DeletedChosenAnswer
from service.api.gallery_schemas import MOST_IN_BATCH, BatchBody, BatchItem, DeleteChosenBody
from service.api.gallery_seq import show_seq
from service.api.request_docs import json_docs
from service.api.tracklet_wire import metadata_of
from service.api.validation import parse_json
from service.api.write_conditions import BatchConditions
from service.errors import InvalidInput
from service.gallery.deletion import delete_chosen
from service.gallery.enrolment import BatchRequest, Enrolment
from service.gallery.stores.batch import IdempotencyKey

router = APIRouter(
    prefix="/galleries/{gallery}",
    tags=["tracklets"],
    dependencies=[requires(AccessScope.GALLERY_WRITE)],
)


@router.post("/tracklets:batch", openapi_extra=json_docs(BatchBody))
async def batch(
    gallery: str,
    request: Request,
    response: Response,
    runtime: OpenRuntime,
    deadline: RequestDeadline,
    conditions: BatchConditions,
    audit: RequestAudit,
) -> BatchAnswer:
    """Enroll and delete up to 256 tracklets together, or change nothing."""
    async with deadline.bounding(NOTHING_KEPT):
        raw = await read_json_only(request, runtime.settings.max_body_bytes)
        key = conditions.idempotency(b"batch", raw)
        asked = await runtime.gallery.in_thread(
            lambda: _batch_request(raw, key, runtime.manifest.model.fingerprint)
        )
    async with deadline.bounding(OUTCOME_UNKNOWN):
        if asked.delete:
            await audit.record_each("delete", gallery, asked.delete)
        done = await runtime.gallery.write_batch(gallery, asked)
    written = done.value
    names = [*(each.tracklet_id for each in asked.enroll), *asked.delete]
    show_seq(response, written.seq)
    return BatchAnswer(
        gallery=gallery,
        gallery_id=done.gallery.gallery_id,
        seq=written.seq,
        visible=written.visible,
        repeated=written.repeated,
        results=[
            ChangeAnswer(tracklet_id=name, outcome=outcome)
            for name, outcome in zip(names, written.outcomes, strict=True)
        ],
    )


@router.post("/tracklets:delete", openapi_extra=json_docs(DeleteChosenBody))
async def delete_by_filter(
    gallery: str,
    request: Request,
    response: Response,
    runtime: OpenRuntime,
    deadline: RequestDeadline,
    audit: RequestAudit,
) -> DeletedChosenAnswer:
    """Delete every tracklet that passes a filter; it may be repeated until it answers 0."""
    async with deadline.bounding(NOTHING_KEPT):
        raw = await read_json_only(request, runtime.settings.max_json_bytes)
        body = parse_json(DeleteChosenBody, raw, fault=InvalidInput)
        chosen = read_filter(body.filter)
    async with deadline.bounding(OUTCOME_UNKNOWN):
        await audit.record("delete_by_filter", gallery)
        deleted = await runtime.gallery.write(gallery, lambda held: delete_chosen(held, chosen))
    show_seq(response, deleted.value.seq)
    return DeletedChosenAnswer(deleted=deleted.value.tracklets, seq=deleted.value.seq)


def enrolment_of(item: BatchItem, served: str) -> Enrolment:
    """The enrolment that an item or a line asks for.

    Args:
        item: As sent.
        served: Fingerprint of the model that is served.

    Raises:
        ModelMismatch: When the embedding says that it is of another one.
        InvalidInput: When embedding or metadata cannot be read.
    """
    embedding = embedding_of_model(item.embedding, stated=item.model, served=served)
    return Enrolment(item.tracklet_id, embedding, metadata_of(item.metadata), item.if_seq)


def _batch_request(raw: bytes, key: IdempotencyKey | None, served: str) -> BatchRequest:
    body = parse_json(BatchBody, raw, fault=InvalidInput)
    if not 1 <= len(body.enroll) + len(body.delete) <= MOST_IN_BATCH:
        raise InvalidInput(
            expected=f"1 to {MOST_IN_BATCH} tracklets in `enroll` and `delete` together",
            received=str(len(body.enroll) + len(body.delete)),
            remedy="split the batch, or send lines to tracklets:bulk",
        )
    enrolments = tuple(enrolment_of(item, served) for item in body.enroll)
    return BatchRequest(enrolments, tuple(body.delete), key)
