"""`/v2`: the Open Inference Protocol (KServe V2), with the binary extension for tensors."""

from importlib.metadata import version as version_of
from typing import Annotated, Any

import numpy as np
import orjson
from fastapi import APIRouter, Depends, Request, Response
from numpy.typing import NDArray

from service.access.principal import AccessScope
from service.api.access import open_to_anyone, requires
from service.api.answers import AliveAnswer, ReadyAnswer
from service.api.deadline import NOTHING_KEPT
from service.api.dependencies import (
    JSON,
    OpenRuntime,
    RequestDeadline,
    asked_seconds,
    read_json,
)
from service.api.embedding_codec import embedding_numbers
from service.api.error_shapes import KSERVE_PATH, KserveErrorAnswer
from service.api.health import healthz, readyz
from service.api.key_docs import OPEN_CALL
from service.api.kserve_schemas import (
    EMBEDDING,
    FILES,
    FRAMES,
    InferAnswer,
    InferBody,
    InferOutputAnswer,
    InferParameters,
    KserveModelAnswer,
    ModelReadyAnswer,
    OutputSize,
    ServerAnswer,
    ServerLiveAnswer,
    ServerReadyAnswer,
    TensorAnswer,
)
from service.api.kserve_tensors import HEADER_LENGTH, read_infer, split_body
from service.api.model_names import require_served
from service.api.request_docs import json_docs
from service.api.request_urgency import EachPace, Pace
from service.batching.urgency import Priority, Urgency
from service.runtime import Runtime
from service.settings import Settings

_DISTRIBUTION = "tracklet-reid"
_ERRORS: dict[int | str, dict[str, Any]] = {
    "default": {"model": KserveErrorAnswer, "description": "Every error"}
}
_BINARY = "application/octet-stream"
_HIGHEST = 1

health_router = APIRouter(
    prefix=KSERVE_PATH, tags=["kserve"], responses=_ERRORS, dependencies=[open_to_anyone()]
)
router = APIRouter(
    prefix=KSERVE_PATH,
    tags=["kserve"],
    responses=_ERRORS,
    dependencies=[requires(AccessScope.EMBED)],
)


async def served(runtime: OpenRuntime, model: str) -> None:
    """The model of the path, which must be the one that is served."""
    require_served(runtime, model)


async def served_version(runtime: OpenRuntime, model: str, version: str) -> None:
    """The model and the version of the path, which must be those that are served."""
    require_served(runtime, model, version)


_SERVED = [Depends(served)]
_SERVED_VERSION = [Depends(served_version)]


@health_router.get("", openapi_extra=OPEN_CALL)
async def server() -> ServerAnswer:
    """Name and version of the server, and which extensions of the protocol it has."""
    return ServerAnswer(
        name=_DISTRIBUTION, version=version_of(_DISTRIBUTION), extensions=["binary_tensor_data"]
    )


@health_router.get("/health/live", openapi_extra=OPEN_CALL)
async def live(alive: Annotated[AliveAnswer, Depends(healthz)]) -> ServerLiveAnswer:
    """As `/healthz`."""
    return ServerLiveAnswer(live=alive.alive)


@health_router.get("/health/ready", openapi_extra=OPEN_CALL)
async def ready(ready: Annotated[ReadyAnswer, Depends(readyz)]) -> ServerReadyAnswer:
    """As `/readyz`."""
    return ServerReadyAnswer(ready=ready.ready)


@router.get("/models/{model}", dependencies=_SERVED)
@router.get("/models/{model}/versions/{version}", dependencies=_SERVED_VERSION)
async def describe(runtime: OpenRuntime) -> KserveModelAnswer:
    """The tensors of the model; `reid` is whatever is served."""
    manifest = runtime.manifest
    return KserveModelAnswer(
        name=manifest.model.name,
        versions=[manifest.model.version],
        platform="onnx_onnxv1" if manifest.graph.format == "onnx" else "openvino",
        inputs=[
            TensorAnswer(name=FRAMES, datatype="UINT8", shape=[-1, -1, -1, 3]),
            TensorAnswer(name=FILES, datatype="BYTES", shape=[-1]),
        ],
        outputs=[TensorAnswer(name=EMBEDDING, datatype="FP32", shape=[manifest.output.dimension])],
    )


@router.get("/models/{model}/ready", dependencies=_SERVED)
@router.get("/models/{model}/versions/{version}/ready", dependencies=_SERVED_VERSION)
async def model_ready(
    runtime: OpenRuntime, ready: Annotated[ReadyAnswer, Depends(readyz)]
) -> ModelReadyAnswer:
    """Whether the model takes requests."""
    return ModelReadyAnswer(name=runtime.manifest.model.name, ready=ready.ready)


@router.post(
    "/models/{model}/infer",
    dependencies=_SERVED,
    openapi_extra=json_docs(InferBody),
    response_model=InferAnswer,
)
@router.post(
    "/models/{model}/versions/{version}/infer",
    dependencies=_SERVED_VERSION,
    openapi_extra=json_docs(InferBody),
    response_model=InferAnswer,
)
async def infer(
    request: Request, runtime: OpenRuntime, deadline: RequestDeadline, pace: EachPace
) -> Response:
    """Embed one tracklet: `frames` UINT8 [t, h, w, 3], or `files` BYTES [t].

    With the header `Inference-Header-Content-Length` the tensor's bytes follow the JSON, and the
    embedding's may follow the JSON of the answer.
    """
    settings = runtime.settings
    async with deadline.bounding(NOTHING_KEPT):
        raw = await read_json(request, settings.max_body_bytes)
        json, tail = split_body(raw, request.headers.get(HEADER_LENGTH))
        body, source = await runtime.gallery.in_thread(
            lambda: read_infer(json, tail, most_frames=settings.max_frames)
        )
    asked = _asked_pace(pace, body.parameters, settings)
    if body.parameters.timeout:
        deadline, urgency = asked.begin()
    else:
        # What the header gives is the time of the body as well.
        urgency = Urgency(asked.priority, deadline.until_s)
    async with deadline.bounding(NOTHING_KEPT):
        embedded = await runtime.embed(source, urgency=urgency)
    return _answer(runtime, body, embedded.embedding)


def _asked_pace(pace: Pace, parameters: InferParameters, settings: Settings) -> Pace:
    """The body's parameters go before the headers."""
    seconds = pace.seconds
    if parameters.timeout:
        seconds = asked_seconds(parameters.timeout / 1e6, settings, name="timeout")
    priority = pace.priority
    if parameters.priority:
        is_first = parameters.priority == _HIGHEST
        priority = Priority.INTERACTIVE if is_first else Priority.BULK
    return Pace(priority, seconds)


def _answer(runtime: Runtime, body: InferBody, embedding: NDArray[np.float32]) -> Response:
    wanted = [output.parameters.binary_data for output in body.outputs]
    is_binary = body.parameters.binary_data_output if wanted in ([], [None]) else wanted == [True]
    tail = embedding.astype("<f4").tobytes() if is_binary else b""
    answer = InferAnswer(
        model_name=runtime.manifest.model.name,
        model_version=runtime.manifest.model.version,
        id=body.id,
        outputs=[
            InferOutputAnswer(
                name=EMBEDDING,
                datatype="FP32",
                shape=[len(embedding)],
                data=None if is_binary else embedding_numbers(embedding),
                parameters=OutputSize(binary_data_size=len(tail)) if is_binary else None,
            )
        ],
    )
    json = orjson.dumps(answer.model_dump(exclude_none=True))
    if not is_binary:
        return Response(json, media_type=JSON)
    return Response(json + tail, media_type=_BINARY, headers={HEADER_LENGTH: str(len(json))})
