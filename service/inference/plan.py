"""How the graph is run: by what, in which precision, in how many lanes, and in which batches."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Provider = Literal["cpu", "openvino", "cuda", "tensorrt"]
Precision = Literal["fp32", "tf32", "bf16", "fp16", "int8"]

ON_GPU: tuple[Provider, ...] = ("cuda", "tensorrt")

PositiveInt = Annotated[int, Field(ge=1)]


class InferencePlan(BaseModel):
    """One way to run the graph.

    Attributes:
        provider: `cpu` is ONNX Runtime's own.
        precision: In which it computes.
        lanes: Threads that each own a backend; on GPUs one per device.
        threads: Of one lane.
        batch_sizes: Ascending; the largest is filled exactly while more waits.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    provider: Provider
    precision: Precision
    lanes: PositiveInt
    threads: PositiveInt
    batch_sizes: tuple[PositiveInt, ...]

    @model_validator(mode="after")
    def _sizes_ascend(self) -> Self:
        if not self.batch_sizes or list(self.batch_sizes) != sorted(set(self.batch_sizes)):
            raise ValueError(
                f"expected ascending batch sizes, received {list(self.batch_sizes)}; "
                "list each once, the smallest first"
            )
        return self

    @property
    def largest_batch(self) -> int:
        """Items of the fullest batch."""
        return self.batch_sizes[-1]

    @property
    def on_gpu(self) -> bool:
        """Whether the cores are free while a batch runs."""
        return self.provider in ON_GPU

    def __str__(self) -> str:
        return (
            f"{self.provider} {self.precision}, {self.lanes} x {self.threads} threads, "
            f"batches of {self.largest_batch}"
        )
