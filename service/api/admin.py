"""`/admin/reload`: another model in place of the one that is served, without a pause."""

from fastapi import APIRouter, Request
from pydantic import Field

from service.access.principal import AccessScope
from service.api.access import requires
from service.api.answers import Answer, ModelAnswer
from service.api.audited import RequestAudit
from service.api.deadline import NOTHING_KEPT
from service.api.dependencies import (
    OpenLifecycle,
    OpenRuntime,
    RequestDeadline,
    model_answer,
    read_json_only,
)
from service.api.request_docs import json_docs
from service.api.validation import parse_json
from service.api.wire_types import StrictBody
from service.artifact_choice import chosen_artifact
from service.errors import InvalidInput

router = APIRouter(prefix="/admin", tags=["admin"], dependencies=[requires(AccessScope.ADMIN)])


class ReloadBody(StrictBody):
    """Which artifact to serve from now on."""

    artifact_dir: str | None = Field(
        default=None,
        min_length=1,
        max_length=1000,
        description="Its directory, from REID_ARTIFACT_ROOT on; left out: REID_ARTIFACT_DIR anew.",
    )


class ReloadAnswer(Answer):
    """Which model serves, and which one did."""

    model: ModelAnswer
    before: ModelAnswer


@router.post("/reload", openapi_extra=json_docs(ReloadBody))
async def reload(
    request: Request,
    lifecycle: OpenLifecycle,
    runtime: OpenRuntime,
    deadline: RequestDeadline,
    audit: RequestAudit,
) -> ReloadAnswer:
    """Serve another artifact; answered when it serves, or when it was refused.

    It is verified, held to its golden clip and warmed beside the one that serves. Requests that
    have begun end with the model that they began with. A restart serves REID_ARTIFACT_DIR again.
    """
    async with deadline.bounding(NOTHING_KEPT):
        raw = await read_json_only(request, runtime.settings.max_json_bytes)
        body = parse_json(ReloadBody, raw, fault=InvalidInput)
        directory = chosen_artifact(runtime.settings, body.artifact_dir)
        await audit.record("reload_model", "")
    # No deadline: an engine may have to be built, and the model before goes on serving meanwhile.
    serving = await lifecycle.reload(directory)
    return ReloadAnswer(model=model_answer(serving), before=model_answer(runtime))
