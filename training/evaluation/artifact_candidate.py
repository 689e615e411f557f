"""An exported artifact, judged as whoever runs it would: by its graph, without the network."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.manifest import Manifest, load_manifest, verify_files
from training.evaluation.clip_embedders import ArithmeticKey, ClipEmbedder, PartSums, Precision
from training.evaluation.clip_plan import FRAME_CHOICE, ClipPlan, FrameMode
from training.evaluation.feature_groups import FULL
from training.export.graph_runner import RunItems, open_runner


class ArtifactCandidate:
    """A verified artifact of a frame model.

    Raises:
        ArtifactError: When the artifact is not as its manifest says.
        ValueError: When it is one of clips, or its graph does not load.
    """

    def __init__(self, directory: Path) -> None:
        manifest = load_manifest(directory)
        verify_files(directory, manifest)
        if manifest.graph.batching_unit != "frame":
            raise ValueError(
                f"expected an artifact of a frame model in {directory}, received one of clips; "
                "evaluate the weights it was exported from"
            )
        self.weights_sha256 = manifest.model.fingerprint
        self._manifest = manifest
        self._run = open_runner(directory, manifest.graph)

    def embedder(self, precision: Precision) -> ClipEmbedder:
        """The graph, in the precision that it is of.

        Raises:
            ValueError: When another precision is asked for than a runtime's own.
        """
        if precision != "fp32":
            raise ValueError(
                f"expected no --precision beside an artifact, received {precision}: it computes in "
                f"its own, {self._manifest.graph.precision}; leave --precision out"
            )
        return GraphEmbedder(self._manifest, self._run)

    def parts_of(self, names: Sequence[str] | None) -> dict[str, tuple[str, ...]]:
        """Every name with its parts: `full`, a part of the output, or several joined by `+`.

        Raises:
            ValueError: When there is no such part, or one is named twice.
        """
        made = tuple(part.name for part in self._manifest.output.parts)
        groups = {}
        for name in names or (FULL,):
            group = made if name == FULL else tuple(name.split("+"))
            if not {*group} <= {*made} or len({*group}) != len(group):
                raise ValueError(
                    f"expected features of {[FULL, *made]}, or some joined by +, each once, "
                    f"received {name!r}; choose among them"
                )
            groups[name] = group
        return groups


class GraphEmbedder:
    """The parts of a graph's features, frame by frame."""

    def __init__(self, manifest: Manifest, run: RunItems) -> None:
        self._manifest = manifest
        self._run = run
        preprocessing = manifest.preprocessing
        self.size = (preprocessing.height, preprocessing.width)
        self.arithmetic = ArithmeticKey(manifest.model.fingerprint, manifest.graph.precision, "cpu")

    def plan(self, mode: FrameMode) -> ClipPlan:
        """Which frames it sees; `fast` takes 8 of a tracklet.

        Raises:
            ValueError: When `served` is asked for and the manifest chooses frames otherwise.
        """
        choice = self._manifest.preprocessing.choice
        if mode == "served" and choice != FRAME_CHOICE:
            raise ValueError(
                f"expected an artifact that is served at most {FRAME_CHOICE.most} frames, received "
                f"one with {choice.most}; choose other --frames"
            )
        return ClipPlan(mode, sampled_frames=8, arrangement="single frames")

    def __call__(
        self, pixels: NDArray[np.uint8], counted: NDArray[np.bool_]
    ) -> dict[str, PartSums]:
        """Clips uint8 [b, 1, h, w, 3], counted [b, 1] → the parts of their frames."""
        rows = self._run(pixels.reshape(-1, *pixels.shape[2:])).astype(np.float64)
        by_clip = rows.reshape(*counted.shape, -1) * counted[..., None]
        sums, counts = by_clip.sum(1), counted.sum(1).astype(np.float64)
        edges = np.cumsum([part.dimension for part in self._manifest.output.parts])[:-1]
        return {
            part.name: PartSums(columns, counts)
            for part, columns in zip(
                self._manifest.output.parts, np.split(sums, edges, axis=1), strict=True
            )
        }
