"""A model beside the baseline, over the same tracklets under the same protocol."""

from collections.abc import Sequence

from rich.progress import Progress

from model.tracklet_network import TrackletNetwork
from training.data.tracklet import Tracklet
from training.evaluation.embed import (
    EmbedFrames,
    embed_tracklets,
    network_embedder,
)
from training.evaluation.histogram import histogram_embedding
from training.evaluation.protocol import FRAME_CHOICE
from training.evaluation.ranking import evaluate_retrieval
from training.evaluation.report import EvaluationReport, build_report
from training.evaluation.retrieval_result import RetrievalResult


def compare_with_baseline(
    network: TrackletNetwork,
    tracklets: Sequence[Tracklet],
    *,
    described: str,
    weights_sha256: str,
    progress: Progress,
) -> EvaluationReport:
    """Every tracklet asks all others, embedded by the model and by colour histograms.

    Frames are chosen as the exported model's manifest will choose them.
    """
    size = (network.config.height, network.config.width)

    def retrieve(name: str, embed: EmbedFrames) -> RetrievalResult:
        watched = progress.track(tracklets, description=name)
        embedded = embed_tracklets(watched, embed, choice=FRAME_CHOICE, size=size)
        return evaluate_retrieval(embedded, embedded)

    return build_report(
        described,
        {
            "model": retrieve("model", network_embedder(network)),
            "HSV histogram": retrieve("HSV histogram", histogram_embedding),
        },
        weights_sha256=weights_sha256,
    )
