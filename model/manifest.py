"""The artifact contract: what a server must know of an exported model, not how it was learned.

An artifact is a directory: the graph, `manifest.json`, the golden clip with its embedding, the
embeddings that the graph was held against (`model/stored_gate.py`), and a model card. The exporter
can write only through `save_manifest`; the server reads only through `load_manifest` and
`verify_files`. This module needs the standard library and pydantic alone, since both the training
and the serving environment import it.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from model.calibration import Calibration
from model.durable_file import durable_file
from model.manifest_json import read_fields, require_seal, sealed_json, unsealed
from model.stored_gate import Gate
from model.stored_graph import Graph

SCHEMA_VERSION = 2
MANIFEST_FILE = "manifest.json"
MOST_FRAMES = 10_000
"""That a manifest can ask for of one tracklet."""


def _require_label(text: str) -> str:
    if not (0 < len(text) <= 100 and text.isprintable() and text == text.strip()) or "/" in text:
        raise ValueError(
            "expected 1 to 100 printable characters without '/', and no space around them, "
            f"received {text[:100]!r}; it stands in addresses, tables and logs: shorten it"
        )
    return text


Label = Annotated[str, AfterValidator(_require_label)]
"""A name or a version, as it can stand in an address."""
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class ArtifactError(ValueError):
    """An artifact directory breaks the contract; the text says expected, received and remedy."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelIdentity(_Frozen):
    """Which model this is. `fingerprint` changes with anything that changes an embedding."""

    name: Label
    version: Label
    fingerprint: Sha256


class InputTensor(_Frozen):
    """The graph's only input: `uint8`, axes by letter (n frames, h rows, w columns, c colours)."""

    name: str
    dtype: Literal["uint8"]
    axes: tuple[str, ...]
    dynamic: tuple[str, ...]


class FrameChoice(_Frozen):
    """Which frames of a tracklet are embedded: all of them, or `most` evenly spaced ones."""

    policy: Literal["evenly_spaced"]
    most: Annotated[int, Field(ge=1, le=MOST_FRAMES)]

    def indices(self, received: int) -> tuple[int, ...]:
        """Positions of the frames to embed, ascending.

        The tracklet is cut into `most` equal spans and the middle frame of each is taken, so that
        neither end is preferred.

        Args:
            received: Frames in the tracklet, in time order.

        Raises:
            ValueError: When `received` is negative.
        """
        if received < 0:
            raise ValueError(f"expected a frame count of 0 or more, received {received}")
        if received <= self.most:
            return tuple(range(received))
        return tuple((2 * i + 1) * received // (2 * self.most) for i in range(self.most))


class Preprocessing(_Frozen):
    """How a frame becomes a row of the input. Scale, mean and deviation are inside the graph."""

    frames_per_clip: Annotated[int, Field(ge=1)] | None
    choice: FrameChoice
    height: Annotated[int, Field(ge=1)]
    width: Annotated[int, Field(ge=1)]
    interpolation: Literal["bilinear_antialias"]
    colour: Literal["RGB"]


class EmbeddingPart(_Frozen):
    """One run of the feature's columns that is L2-normalised on its own."""

    name: str
    dimension: Annotated[int, Field(ge=1)]


class OutputTensor(_Frozen):
    """The graph's only output and the way to the embedding.

    For `batching_unit` frame the server takes the mean of a tracklet's rows, L2-normalises each
    part (in this order), concatenates the parts and L2-normalises the whole: `dimension` columns.
    `normalised` says that the embedding, so made, has length 1.
    """

    name: str
    dimension: Annotated[int, Field(ge=1)]
    normalised: bool
    metric: Literal["cosine"]
    pooling: Literal["mean", "none"]
    parts: tuple[EmbeddingPart, ...]

    @model_validator(mode="after")
    def _parts_fill_dimension(self) -> Self:
        total = sum(part.dimension for part in self.parts)
        if total != self.dimension:
            raise ValueError(
                f"expected parts that sum to dimension {self.dimension}, received a sum of {total}"
            )
        return self


class FileDigest(_Frozen):
    """SHA-256 and size of one file beside the manifest."""

    sha256: Sha256
    bytes: Annotated[int, Field(ge=0)]


class Golden(_Frozen):
    """A clip (`.npy`, uint8 [t, h, w, c]) and the embedding (`.npy`, float32 [d]) it must give."""

    clip: str
    embedding: str
    least_cosine: Annotated[float, Field(gt=0, le=1)]


class Provenance(_Frozen):
    """Of what network the weights are, where they come from and what they reached."""

    network: str | None = None
    commit: str
    data: str
    protocol: str
    rank_1: float | None
    mean_average_precision: float | None
    exporter: dict[str, str]
    data_licence: str


class Manifest(_Frozen):
    """`manifest.json`, whole."""

    schema_version: Literal[2]
    model: ModelIdentity
    graph: Graph
    input: InputTensor
    preprocessing: Preprocessing
    output: OutputTensor
    files: dict[str, FileDigest]
    golden: Golden
    gate: Gate | None
    calibration: Calibration | None
    provenance: Provenance

    @model_validator(mode="after")
    def _names_are_listed_and_local(self) -> Self:
        for name in self.files:
            if PurePosixPath(name).name != name or name in {"", ".", "..", MANIFEST_FILE}:
                raise ValueError(
                    f"expected plain file names beside the manifest, received {name!r}"
                )
        gate = () if self.gate is None else (self.gate.embeddings,)
        for name in (*self.graph.files, self.golden.clip, self.golden.embedding, *gate):
            if name not in self.files:
                raise ValueError(f"expected a digest of {name!r} in files, received none")
        return self

    @model_validator(mode="after")
    def _fingerprint_matches(self) -> Self:
        graph, *weights = (self.files[name].sha256 for name in self.graph.files)
        expected = model_fingerprint(graph, self.preprocessing, self.output, *weights)
        if self.model.fingerprint != expected:
            raise ValueError(
                f"expected fingerprint {expected} from graph, preprocessing and output, "
                f"received {self.model.fingerprint}"
            )
        return self


def model_fingerprint(
    graph_sha256: str, preprocessing: Preprocessing, output: OutputTensor, *weights_sha256: str
) -> str:
    """SHA-256 over everything that decides an embedding: graph, frame handling and pooling."""
    described = [preprocessing.model_dump(mode="json"), output.model_dump(mode="json")]
    content = json.dumps(
        [graph_sha256, *described, *weights_sha256], sort_keys=True, separators=(",", ":")
    )
    return hashlib.sha256(content.encode()).hexdigest()


def file_digest(path: Path) -> FileDigest:
    """SHA-256 and size of the file at `path`."""
    with path.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    return FileDigest(sha256=sha256, bytes=path.stat().st_size)


def load_manifest(directory: Path) -> Manifest:
    """Read and validate `manifest.json`; the files it names are not opened.

    Raises:
        ArtifactError: When the manifest is missing, is not JSON, breaks the schema, or was edited.
    """
    path = directory / MANIFEST_FILE
    try:
        fields = read_fields(path)
        _require_schema_version(path, fields)
        manifest = Manifest.model_validate_json(json.dumps(unsealed(fields)))
        # Last, since what breaks the schema is told by its name.
        require_seal(path, fields)
    except OSError as error:
        raise ArtifactError(
            f"expected an artifact manifest at {path}, received {error.strerror}; "
            "point the artifact setting at a directory written by `reid-train export`"
        ) from error
    except ValidationError as error:
        raise ArtifactError(
            f"expected {path} to keep artifact schema {SCHEMA_VERSION}, received: {error}; "
            "export the artifact again"
        ) from error
    except ValueError as error:
        raise ArtifactError(str(error)) from error
    return manifest


def _require_schema_version(path: Path, fields: Mapping[str, object]) -> None:
    version = fields.get("schema_version")
    if version != SCHEMA_VERSION:
        raise ValueError(
            f"expected artifact schema {SCHEMA_VERSION} in {path}, received {version!r}; "
            "use the release that wrote it, or export the artifact again"
        )


def verify_files(directory: Path, manifest: Manifest) -> None:
    """Check place, size and SHA-256 of every file that the manifest names.

    Raises:
        ArtifactError: For the first file that is missing, lies elsewhere or differs.
    """
    for name, expected in sorted(manifest.files.items()):
        path = directory / name
        if not path.is_file():
            raise ArtifactError(
                f"expected {name!r} beside the manifest in {directory}, received nothing; "
                "copy the whole artifact directory"
            )
        if not path.resolve().is_relative_to(directory.resolve()):
            raise ArtifactError(
                f"expected {name!r} itself in {directory}, received a link to {path.resolve()}; "
                "copy the artifact with what its links lead to (`cp -rL`)"
            )
        # A file of another size need not be read to know that it differs.
        size = path.stat().st_size
        received = file_digest(path).sha256 if size == expected.bytes else "unread"
        if received != expected.sha256:
            raise ArtifactError(
                f"expected {name!r} with sha256 {expected.sha256} ({expected.bytes} bytes), "
                f"received {received} ({size} bytes); copy or export the artifact again"
            )


def save_manifest(directory: Path, manifest: Manifest) -> Path:
    """Verify the files, then write `manifest.json` whole or not at all; returns its path.

    Raises:
        ArtifactError: When a file named by the manifest is missing or differs.
    """
    verify_files(directory, manifest)
    path = directory / MANIFEST_FILE
    with durable_file(path) as temporary:
        temporary.write_text(sealed_json(manifest.model_dump(mode="json")), encoding="utf-8")
    return path
