"""Where engines are kept: one folder for everything that an engine depends on.

Services keep the engines of ONNX Runtime's provider by the same rule, in folders beside these.
"""

import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

EnginePrecision = Literal["fp32", "fp16", "bf16", "fp8", "int8"]


@dataclass(frozen=True, slots=True)
class EngineKey:
    """What an engine depends on: with another of these it is another engine.

    Attributes:
        graph_sha256: Of the artifact's graph.
        gpu: Name and compute capability, `NVIDIA L4 sm89` say.
        runtime: What runs the engine, with its version: `trt10.13.0`.
        precision: In which it computes.
        batch_sizes: Ascending; it is built for the smallest to the largest.
    """

    graph_sha256: str
    gpu: str
    runtime: str
    precision: EnginePrecision
    batch_sizes: tuple[int, ...]

    def folder(self, root: Path) -> Path:
        """Readable, and different wherever any ingredient differs."""
        sizes = "-".join(map(str, self.batch_sizes))
        key = "|".join([self.graph_sha256, self.gpu, self.runtime, self.precision, sizes])
        digest = sha256(key.encode()).hexdigest()[:12]
        readable = re.sub(r"[^A-Za-z0-9.]+", "-", f"{self.gpu}-{self.runtime}-{self.precision}")
        return root / f"{self.graph_sha256[:12]}-{readable}-{digest}"


def require_batch_sizes(sizes: tuple[int, ...]) -> tuple[int, ...]:
    """The sizes as they are.

    Raises:
        ValueError: When they do not ascend from at least 1.
    """
    if not sizes or list(sizes) != sorted(set(sizes)) or sizes[0] < 1:
        raise ValueError(
            f"expected ascending batch sizes of 1 or more, received {list(sizes)}; "
            "list each once, the smallest first: --batches 8,16,32"
        )
    return sizes


def parsed_batch_sizes(text: str) -> tuple[int, ...]:
    """`8,16,32` as numbers; none of an empty text.

    Raises:
        ValueError: When it is anything else.
    """
    try:
        return tuple(int(size) for size in text.split(",")) if text else ()
    except ValueError as error:
        raise ValueError(
            f"expected batch sizes as --batches 8,16,32, received {text!r}; "
            "separate whole numbers by commas"
        ) from error
