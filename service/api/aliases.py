"""`/aliases`: other names of galleries, moved in one step."""

from fastapi import APIRouter, Request

from service.access.principal import AccessScope
from service.api.access import requires
from service.api.deadline import NOTHING_KEPT, OUTCOME_UNKNOWN
from service.api.dependencies import OpenRuntime, RequestDeadline, read_json_only
from service.api.gallery_answers import AliasAnswer, AliasesAnswer, RemovedAliasAnswer
from service.api.gallery_schemas import AliasBody
from service.api.request_docs import json_docs
from service.api.validation import parse_json
from service.errors import InvalidInput

router = APIRouter(prefix="/aliases", tags=["galleries"])


@router.get("", dependencies=[requires(AccessScope.SEARCH)])
async def list_aliases(runtime: OpenRuntime, deadline: RequestDeadline) -> AliasesAnswer:
    """Every alias, by name."""
    async with deadline.bounding(NOTHING_KEPT):
        aliases = await runtime.gallery.manage(lambda catalogue: catalogue.aliases())
    return AliasesAnswer(
        aliases=[
            AliasAnswer(alias=alias, gallery=info.name, gallery_id=info.gallery_id)
            for alias, info in aliases.items()
        ]
    )


@router.put(
    "/{alias:path}",
    dependencies=[requires(AccessScope.GALLERY_WRITE)],
    openapi_extra=json_docs(AliasBody),
)
async def point_alias(
    alias: str, request: Request, runtime: OpenRuntime, deadline: RequestDeadline
) -> AliasAnswer:
    """Point an alias at a gallery: requests that come later go there, those under way do not."""
    async with deadline.bounding(OUTCOME_UNKNOWN):
        raw = await read_json_only(request, runtime.settings.max_json_bytes)
        body = parse_json(AliasBody, raw, fault=InvalidInput)
        info = await runtime.gallery.manage(
            lambda catalogue: catalogue.point_alias(alias, body.gallery)
        )
    return AliasAnswer(alias=alias, gallery=info.name, gallery_id=info.gallery_id)


@router.delete("/{alias:path}", dependencies=[requires(AccessScope.GALLERY_WRITE)])
async def remove_alias(
    alias: str, runtime: OpenRuntime, deadline: RequestDeadline
) -> RemovedAliasAnswer:
    """Remove an alias; the gallery stays as it is."""
    async with deadline.bounding(OUTCOME_UNKNOWN):
        await runtime.gallery.manage(lambda catalogue: catalogue.remove_alias(alias))
    return RemovedAliasAnswer(deleted=True, alias=alias)
