"""`/model`: which model the service runs, and what is known of it."""

from fastapi import APIRouter

from service.access.principal import AccessScope
from service.api.access import requires
from service.api.answers import (
    InferenceAnswer,
    PreprocessingAnswer,
    ProvenanceAnswer,
    ServedModelAnswer,
)
from service.api.dependencies import OpenRuntime
from service.inference.embedder import Embedder

router = APIRouter(tags=["model"], dependencies=[requires(*AccessScope)])


@router.get("/model")
async def model(runtime: OpenRuntime) -> ServedModelAnswer:
    """The model's identity, how it takes frames, and where it comes from."""
    manifest = runtime.manifest
    preprocessing = manifest.preprocessing
    provenance = manifest.provenance
    return ServedModelAnswer(
        name=manifest.model.name,
        version=manifest.model.version,
        fingerprint=manifest.model.fingerprint,
        dimension=manifest.output.dimension,
        precision=manifest.graph.precision,
        provider=runtime.embedder.backend_name,
        preprocessing=PreprocessingAnswer(
            height=preprocessing.height,
            width=preprocessing.width,
            interpolation=preprocessing.interpolation,
            colour=preprocessing.colour,
            most_frames=preprocessing.choice.most,
            frames_per_clip=preprocessing.frames_per_clip,
        ),
        inference=_inference(runtime.embedder),
        provenance=ProvenanceAnswer(
            commit=provenance.commit,
            data=provenance.data,
            protocol=provenance.protocol,
            rank_1=provenance.rank_1,
            mean_average_precision=provenance.mean_average_precision,
            data_licence=provenance.data_licence,
        ),
    )


def _inference(embedder: Embedder) -> InferenceAnswer:
    served = embedder.served
    return InferenceAnswer(
        backends=list(served.backends),
        precision=served.precision,
        batching_unit=embedder.manifest.graph.batching_unit,
        lanes=served.plan.lanes,
        threads=served.plan.threads,
        batch_sizes=list(served.plan.batch_sizes),
        golden_cosine=served.golden_cosine,
    )
