"""Rank-1 and mAP of tracklets enrolled and searched over HTTP, beside the histogram baseline.

    python -m benchmarks.http_retrieval --data mars --root PATH/bbox_train

Every tracklet is enrolled through `PUT`, then asks the gallery by its id; the ranking that comes
back is scored with the same-camera rule. Frames are sent as they are on disk.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from benchmarks.running_service import running_service
from service.api.schemas import MetadataBody, SearchBody
from service.client.client import ReidClient
from training.data.catalogue import CATALOGUE, read_data_set
from training.data.tracklet import Tracklet
from training.evaluation.clip_embedders import HistogramEmbedder
from training.evaluation.compare import embed_histograms
from training.evaluation.embedding_table import EmbeddingTable
from training.evaluation.ranking import average_precision, evaluate_retrieval
from training.evaluation.retrieval_result import RetrievalResult
from training.evaluation.tracklet_features import EmbeddingSettings


@dataclass(frozen=True)
class Scores:
    """Percent, over the queries whose identity another camera saw."""

    rank_1: float
    mean_average_precision: float


@dataclass(frozen=True)
class Retrieval:
    """What the service reached, and the baseline over the same queries."""

    data: str
    tracklets: int
    frames: int
    queries: int
    dropped_queries: dict[str, str]
    model: str
    service: Scores
    hsv_histogram: Scores


def rank_over_http(
    client: ReidClient, tracklets: Sequence[Tracklet], progress: Progress
) -> list[NDArray[np.bool_]]:
    """Enroll everybody, then let each ask; per query, right or wrong in ranked order [ranks]."""
    for tracklet in progress.track(tracklets, description="enroll"):
        client.enroll(
            tracklet.name,
            [path.read_bytes() for path in tracklet.frames],
            MetadataBody(identity=f"{tracklet.identity:04d}", camera=f"{tracklet.camera}"),
        )
    return [
        ranked_hits(client, tracklet, top_k=len(tracklets))
        for tracklet in progress.track(tracklets, description="search")
    ]


def ranked_hits(client: ReidClient, query: Tracklet, *, top_k: int) -> NDArray[np.bool_]:
    """Whether each match is the right person, matches of their own camera left out [ranks]."""
    answer = client.search_by(SearchBody(tracklet_id=query.name, top_k=top_k))
    identity, camera = f"{query.identity:04d}", f"{query.camera}"
    return np.array(
        [
            match.identity == identity
            for match in answer.matches
            if (match.identity, match.camera) != (identity, camera)
        ],
        dtype=bool,
    )


def measure(artifact: Path, data: str, root: Path) -> Retrieval:
    """Score the running service and the baseline over the same tracklets."""
    tracklets = [t for t in read_data_set(data, root).split().train if t.identity > 0]
    limits = {
        "max_frames": str(max(len(tracklet.frames) for tracklet in tracklets)),
        "max_top_k": str(len(tracklets)),
    }
    with running_service(artifact, **limits) as service, ReidClient(service.url) as client:
        model = client.model()
        with Progress(console=Console(stderr=True)) as progress:
            ranked = rank_over_http(client, tracklets, progress)
            baseline = _rank_histograms(tracklets, progress)
    answered = [hits for hits in ranked if hits.any()]
    if baseline.valid_queries != len(answered):
        raise RuntimeError(
            f"expected the baseline's {baseline.valid_queries} queries to be answered, "
            f"received {len(answered)}"
        )
    return Retrieval(
        data=data,
        tracklets=len(tracklets),
        frames=sum(len(tracklet.frames) for tracklet in tracklets),
        queries=len(answered),
        dropped_queries={query.name: query.reason for query in baseline.dropped},
        model=f"{model.name} {model.version}",
        service=_scores(
            float(np.mean([hits[0] for hits in answered])),
            float(np.mean([average_precision(np.flatnonzero(hits) + 1) for hits in answered])),
        ),
        hsv_histogram=_scores(baseline.cmc[1], baseline.mean_average_precision),
    )


def _rank_histograms(tracklets: Sequence[Tracklet], progress: Progress) -> RetrievalResult:
    """The baseline over the frames that the service is given."""
    embedder = HistogramEmbedder((256, 128), sampled_frames=8)
    embeddings = embed_histograms(
        tracklets, embedder, EmbeddingSettings(mode="served"), progress=progress
    )
    table = EmbeddingTable.of(tracklets, embeddings)
    return evaluate_retrieval(table, table)


def _scores(rank_1: float, mean_average_precision: float) -> Scores:
    return Scores(round(100 * rank_1, 2), round(100 * mean_average_precision, 2))


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--artifact", type=Path, default=Path("artifacts/dcct-light"))
    parser.add_argument("--data", choices=sorted(CATALOGUE), required=True)
    parser.add_argument("--root", type=Path, required=True)
    arguments = parser.parse_args()
    json.dump(
        asdict(measure(arguments.artifact, arguments.data, arguments.root)), sys.stdout, indent=2
    )
    print()


if __name__ == "__main__":
    main()
