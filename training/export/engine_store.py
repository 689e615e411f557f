"""Engines on disk: the file, and beside it what it is and what it reached."""

from hashlib import sha256
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from model.durable_file import durable_file
from model.stored_gate import Measured
from training.export.engine_key import EnginePrecision

ENGINE_FILE = "model.engine"
DESCRIPTION_FILE = "engine.json"


class EngineDescription(BaseModel):
    """`engine.json`, beside the engine.

    Attributes:
        model: Name and version.
        fingerprint: Of the artifact.
        graph_sha256: Of its graph.
        gpu: Name and compute capability.
        tensorrt: Version.
        precision: In which the engine computes.
        batch_sizes: Ascending.
        engine_sha256: Of the engine's file.
        least_cosine: The gate's bound.
        measured: What the engine reached, held against its graph in ONNX Runtime on the CPU.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    fingerprint: str
    graph_sha256: str
    gpu: str
    tensorrt: str
    precision: EnginePrecision
    batch_sizes: tuple[int, ...]
    engine_sha256: str
    least_cosine: float
    measured: Measured


def kept_engine(folder: Path) -> bytes | None:
    """The engine that lies in `folder`; nothing when none does, or not the one described."""
    try:
        text = (folder / DESCRIPTION_FILE).read_text(encoding="utf-8", errors="replace")
        content = (folder / ENGINE_FILE).read_bytes()
        described = EngineDescription.model_validate_json(text)
    except (FileNotFoundError, ValidationError):
        return None
    return content if described.engine_sha256 == sha256(content).hexdigest() else None


def keep_engine(folder: Path, content: bytes, description: EngineDescription) -> None:
    """Write both files; the description last, since without it there is no engine."""
    folder.mkdir(parents=True, exist_ok=True)
    with durable_file(folder / ENGINE_FILE) as temporary:
        temporary.write_bytes(content)
    with durable_file(folder / DESCRIPTION_FILE) as temporary:
        temporary.write_text(description.model_dump_json(indent=2) + "\n", encoding="utf-8")
