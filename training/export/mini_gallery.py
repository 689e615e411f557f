"""The gate's gallery: drawn people before drawn cameras, the same wherever they are drawn."""

from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from model.manifest import OutputTensor, Preprocessing
from model.stored_gate import MiniGallery
from training.data.synthetic import SyntheticWorld
from training.evaluation.embedding_table import EmbeddingTable
from training.evaluation.ranking import evaluate_retrieval
from training.export.graph_runner import Features, Items, RunItems, run_in_batches
from training.export.tracklet_embedding import tracklet_embeddings

SEED = 7
CAMERAS = 4
MOST_IDENTITIES = 32
FRAMES_PER_TRACKLET = 2
# Of the embeddings that travel with an artifact; fewer people are drawn for wide embeddings.
MOST_STORED_BYTES = 390_000


@dataclass(frozen=True, slots=True, eq=False)
class DrawnGallery:
    """The mini-gallery's pixels.

    Attributes:
        described: What it was drawn from.
        frames: uint8 [tracklets, frames, h, w, 3].
        unit: Whether the model takes single frames or a tracklet's frames as one clip.
    """

    described: MiniGallery
    frames: NDArray[np.uint8]
    unit: str

    @property
    def items(self) -> Items:
        """What the graph is run on, in the order of the tracklets: frames, or clips."""
        return (
            self.frames if self.unit == "clip" else self.frames.reshape(-1, *self.frames.shape[2:])
        )


@dataclass(frozen=True, slots=True, eq=False)
class GalleryAnswers:
    """What a runner makes of the mini-gallery.

    Attributes:
        rows: float32 [items, d], as they came.
        embeddings: float32 [tracklets, d].
        mean_average_precision: Every item asks for its person among the tracklets of the other
            cameras; in percent.
    """

    rows: Features
    embeddings: NDArray[np.float32]
    mean_average_precision: float


def draw_gallery(preprocessing: Preprocessing, output: OutputTensor) -> DrawnGallery:
    """Draw for a model of this input and output."""
    stored_per_identity = CAMERAS * output.dimension * np.dtype(np.float16).itemsize
    identities = int(np.clip(MOST_STORED_BYTES // stored_per_identity, 2, MOST_IDENTITIES))
    frames = preprocessing.frames_per_clip or FRAMES_PER_TRACKLET
    pixels = _draw((identities, CAMERAS, frames), preprocessing, seed=SEED)
    described = MiniGallery(
        seed=SEED, identities=identities, cameras=CAMERAS, frames=frames, sha256=_digest(pixels)
    )
    return DrawnGallery(described, pixels, _unit(preprocessing))


def redraw_gallery(described: MiniGallery, preprocessing: Preprocessing) -> DrawnGallery:
    """Draw again what an artifact describes; `described` of the result is what came of it here."""
    size = (described.identities, described.cameras, described.frames)
    pixels = _draw(size, preprocessing, seed=described.seed)
    drawn = described.model_copy(update={"sha256": _digest(pixels)})
    return DrawnGallery(drawn, pixels, _unit(preprocessing))


def answers(
    run: RunItems, gallery: DrawnGallery, output: OutputTensor, *, largest: int
) -> GalleryAnswers:
    """Run the whole gallery and search it.

    Raises:
        ValueError: When a feature is not finite, or an embedding has no direction.
    """
    rows = run_in_batches(run, gallery.items, largest=largest)
    per_tracklet = rows.reshape(len(gallery.frames), -1, rows.shape[1])
    embeddings = tracklet_embeddings(per_tracklet, output.parts)
    queries = tracklet_embeddings(rows[:, None], output.parts)
    return GalleryAnswers(rows, embeddings, _mean_average_precision(queries, embeddings, gallery))


def _mean_average_precision(
    queries: NDArray[np.float32], embeddings: NDArray[np.float32], gallery: DrawnGallery
) -> float:
    described = gallery.described
    tracklets = np.arange(len(embeddings))
    table = _table(embeddings, tracklets, described)
    asked = _table(queries, np.repeat(tracklets, len(queries) // len(embeddings)), described)
    return 100 * evaluate_retrieval(asked, table).mean_average_precision


def _table(
    embeddings: NDArray[np.float32], tracklets: NDArray[np.intp], described: MiniGallery
) -> EmbeddingTable:
    """Rows of these tracklets; own ones are left out since they are of the query's own camera."""
    return EmbeddingTable(
        names=np.array([f"{row} of {len(tracklets)}" for row in range(len(tracklets))]),
        identities=(tracklets // described.cameras + 1).astype(np.int64),
        cameras=(tracklets % described.cameras).astype(np.float64),
        outfits=np.full(len(tracklets), ""),
        embeddings=embeddings,
    )


def _draw(
    size: tuple[int, int, int], preprocessing: Preprocessing, *, seed: int
) -> NDArray[np.uint8]:
    identities, cameras, frames = size
    world = SyntheticWorld(
        seed=seed,
        identities=identities,
        cameras=cameras,
        height=preprocessing.height,
        width=preprocessing.width,
    )
    return np.stack(
        [
            world.tracklet(identity, camera, frames=frames).frames
            for identity in range(identities)
            for camera in range(cameras)
        ]
    )


def _unit(preprocessing: Preprocessing) -> str:
    return "frame" if preprocessing.frames_per_clip is None else "clip"


def _digest(pixels: NDArray[np.uint8]) -> str:
    return sha256(pixels.tobytes()).hexdigest()
