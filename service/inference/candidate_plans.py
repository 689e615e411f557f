"""The plans among which the settings leave a choice, each kind of machine with its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from service.inference.graph import ProviderError
from service.inference.plan import InferencePlan, Precision, Provider

CPU_BATCHES = {"frame": (4, 8), "clip": (1, 2)}
"""Largest batches that are tried; nothing was gained above 8 frames on the CPUs measured."""
GPU_BATCHES = {"frame": (8, 16, 32, 64, 128), "clip": (1, 2, 4, 8, 16)}

_GPU_PRECISIONS: dict[Provider, tuple[Precision, ...]] = {
    "cuda": ("tf32",),
    "tensorrt": ("fp16",),
}
"""Reduced ones by provider, the fastest first; each is taken only where it holds parity."""


@dataclass(frozen=True)
class InferenceChoice:
    """What the settings say; `auto`, 0 and nothing leave it open.

    Attributes:
        provider: What runs the graph.
        precision: In which it computes.
        lanes: Batches that run at a time.
        threads: Of one lane.
        largest_batch: Its items.
        batch_sizes: Ascending; they go before `largest_batch`.
    """

    provider: Literal["auto"] | Provider = "auto"
    precision: Literal["auto"] | Precision = "auto"
    lanes: int = 0
    threads: int = 0
    largest_batch: int = 0
    batch_sizes: tuple[int, ...] = ()

    @property
    def states_batches(self) -> bool:
        """Whether nothing is left to measure of them."""
        return bool(self.batch_sizes or self.largest_batch)

    def precisions(self, offered: Sequence[Precision], provider: Provider) -> list[Precision]:
        """Those of `offered` that may be tried.

        Raises:
            ProviderError: When the one asked for is not offered.
        """
        if self.precision == "auto":
            return list(offered)
        if self.precision not in offered:
            raise ProviderError(
                f"expected {provider} to compute in {self.precision}, received one that offers "
                f"{', '.join(offered)} for this graph here; change REID_INFERENCE_PRECISION"
            )
        return [self.precision]


def cpu_plans(
    choice: InferenceChoice,
    provider: Provider,
    offered: Sequence[Precision],
    *,
    unit: Literal["frame", "clip"],
    cores: int,
) -> list[InferencePlan]:
    """Every layout of `cores` in every precision, with the smallest batch that is worth trying.

    Raises:
        ProviderError: When the precision asked for is not offered.
    """
    sizes = choice.batch_sizes or _every_size(choice.largest_batch or CPU_BATCHES[unit][0])
    return [
        InferencePlan(
            provider=provider, precision=precision, lanes=lanes, threads=threads, batch_sizes=sizes
        )
        for precision in choice.precisions(offered, provider)
        for lanes, threads in _layouts(choice, cores)
    ]


def larger_batches(
    choice: InferenceChoice, plan: InferencePlan, unit: Literal["frame", "clip"]
) -> list[InferencePlan]:
    """The same plan with each of the batches that are tried, its own first; none when stated."""
    if choice.states_batches:
        return []
    return [
        plan.model_copy(update={"batch_sizes": _every_size(size)}) for size in CPU_BATCHES[unit]
    ]


def gpu_plans(
    choice: InferenceChoice,
    provider: Provider,
    own_precision: Precision,
    *,
    unit: Literal["frame", "clip"],
    devices: int,
) -> list[InferencePlan]:
    """One plan for each precision, the fastest first.

    Raises:
        ProviderError: When the precision, or as many devices, cannot be had.
    """
    reduced: tuple[Precision, ...] = _GPU_PRECISIONS[provider] if own_precision == "fp32" else ()
    offered = [*reduced, own_precision]
    if provider == "tensorrt" and own_precision == "fp32" and choice.precision == "bf16":
        offered.append("bf16")
    if choice.lanes > devices:
        raise ProviderError(
            f"expected {choice.lanes} GPUs for as many lanes, received {devices}; "
            "lower REID_INFERENCE_LANES, or unset it to use all"
        )
    return [
        InferencePlan(
            provider=provider,
            precision=precision,
            lanes=choice.lanes or devices,
            threads=choice.threads or 1,
            batch_sizes=choice.batch_sizes or _buckets(choice.largest_batch, unit),
        )
        for precision in choice.precisions(offered, provider)
    ]


def _every_size(largest: int) -> tuple[int, ...]:
    """A CPU runs what there is: to fill a batch up would only be work."""
    return tuple(range(1, largest + 1))


def _buckets(largest: int, unit: Literal["frame", "clip"]) -> tuple[int, ...]:
    """The sizes that a GPU is warmed for and its engine built, up to `largest` if there is one."""
    if not largest:
        return GPU_BATCHES[unit]
    return (*(size for size in GPU_BATCHES[unit] if size < largest), largest)


def _layouts(choice: InferenceChoice, cores: int) -> list[tuple[int, int]]:
    """Lanes and threads of each: all cores are used, by many lanes of few threads or the reverse.

    Many lanes come first: one that is held up by decoding does not hold up the others.
    """
    if choice.lanes and choice.threads:
        return [(choice.lanes, choice.threads)]
    if choice.lanes:
        return [(choice.lanes, max(1, cores // choice.lanes))]
    if choice.threads:
        return [(max(1, cores // choice.threads), choice.threads)]
    threads = [count for count in (1, 2, 4) if count < cores]
    return [(cores // count, count) for count in threads] + [(1, cores)]
