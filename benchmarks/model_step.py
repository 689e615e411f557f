"""Time of a forward pass and of a training step, as ratios to eager float32 in the same run.

    python -m benchmarks.model_step --model dcct --model grl

Every variant runs once a round, in turns, since the machine's speed drifts; medians are compared.
Weights are random, and so are the frames: neither changes the work. `forward` is evaluation mode
without gradients, `step` is forward and backward in training mode over every output.
Compiled variants use torch's inductor, which needs a C++ compiler (CPU) or Triton (GPU).
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import torch
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from model.backbones.cnn import CnnBackbone
from model.dcct_config import DCCTConfig
from model.features import TrackletFeatures
from model.registry import build_model, parse_config
from model.tracklet_network import ModelConfig, TrackletNetwork

_LIGHT = DCCTConfig(cnn="mobilenetv2_100", transformer="deit_tiny_patch16_224")

CONFIGS: dict[str, ModelConfig] = {
    "dcct": DCCTConfig(),
    "dcct-projected": DCCTConfig.model_validate({"cca": {"order": "projected"}}),
    "student": DCCTConfig().student(),
    "dcct-light": _LIGHT,
    "student-light": _LIGHT.student(),
    **{
        kind: parse_config({"kind": kind})
        for kind in ("grl", "nvan", "ste-nvan", "temporal-pooling")
    },
}


@dataclass(frozen=True)
class Variant:
    """One way to run the same network."""

    name: str
    channels_last: bool = False
    bf16: bool = False
    compiled: bool = False


BASELINE = Variant("eager float32")
VARIANTS = (
    BASELINE,
    Variant("channels-last", channels_last=True),
    Variant("channels-last, bf16", channels_last=True, bf16=True),
    Variant("compiled, channels-last", channels_last=True, compiled=True),
    Variant("compiled, channels-last, bf16", channels_last=True, bf16=True, compiled=True),
)


@dataclass(frozen=True)
class StepTimes:
    """Medians of one variant in seconds, and how many times faster than the baseline it is."""

    model: str
    variant: str
    forward_s: float
    step_s: float
    forward_speedup: float
    step_speedup: float


@dataclass(frozen=True)
class Measurement:
    """Everything one run measured, and where."""

    device: str
    threads: int
    tracklets: int
    frames: int
    rounds: int
    rows: tuple[StepTimes, ...]


class RunnableVariant:
    """A network laid out, and compiled, as a variant wants it."""

    def __init__(self, network: TrackletNetwork, variant: Variant, *, backend: str) -> None:
        self._network = network
        self._variant = variant
        self._run = torch.compile(network, backend=backend) if variant.compiled else network

    def forward_s(self, clips: torch.Tensor) -> float:
        """Seconds of one pass in evaluation mode."""
        self._lay_out(training=False)
        with torch.no_grad():
            return _seconds(clips.device, lambda: self._features(clips))

    def step_s(self, clips: torch.Tensor) -> float:
        """Seconds of one forward and backward pass in training mode."""
        self._lay_out(training=True)

        def step() -> None:
            features = self._features(clips)
            rows = features.supervised_rows().values()
            loss = torch.stack([row.float().square().mean() for row in rows]).sum()
            loss.backward()  # type: ignore[no-untyped-call]

        seconds = _seconds(clips.device, step)
        self._network.zero_grad(set_to_none=True)
        return seconds

    def _features(self, clips: torch.Tensor) -> TrackletFeatures:
        enabled = self._variant.bf16
        with torch.autocast(clips.device.type, dtype=torch.bfloat16, enabled=enabled):
            features: TrackletFeatures = self._run(clips)
        return features

    def _lay_out(self, *, training: bool) -> None:
        layout = torch.channels_last if self._variant.channels_last else torch.contiguous_format
        self._network.train(training)
        for module in self._network.modules():
            if isinstance(module, CnnBackbone):
                module.lay_out(layout)


def measure(
    configs: dict[str, ModelConfig],
    *,
    variants: Sequence[Variant],
    tracklets: int,
    frames: int,
    rounds: int,
    device: torch.device,
    progress: Progress,
    backend: str = "inductor",
) -> Measurement:
    """Time every variant of every model; one warm-up of each comes before the rounds."""
    rows: list[StepTimes] = []
    task = progress.add_task("measure", total=len(configs) * len(variants) * (rounds + 1))
    for name, config in configs.items():
        torch.manual_seed(0)
        network = build_model(config).to(device)
        clips = torch.randn(tracklets, frames, 3, config.height, config.width, device=device)
        runnable = {v: RunnableVariant(network, v, backend=backend) for v in variants}
        times: dict[Variant, list[tuple[float, float]]] = {variant: [] for variant in variants}
        for _ in range(rounds + 1):
            for variant, run in runnable.items():
                progress.update(task, description=f"{name}: {variant.name}")
                times[variant].append((run.forward_s(clips), run.step_s(clips)))
                progress.advance(task)
        rows.extend(_rows(name, {variant: seconds[1:] for variant, seconds in times.items()}))
        torch.compiler.reset()
    return Measurement(
        device=torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
        threads=torch.get_num_threads(),
        tracklets=tracklets,
        frames=frames,
        rounds=rounds,
        rows=tuple(rows),
    )


def _rows(model: str, times: dict[Variant, list[tuple[float, float]]]) -> list[StepTimes]:
    medians = {
        variant: (
            statistics.median(forward for forward, _ in seconds),
            statistics.median(step for _, step in seconds),
        )
        for variant, seconds in times.items()
    }
    base_forward, base_step = medians[BASELINE]
    return [
        StepTimes(
            model=model,
            variant=variant.name,
            forward_s=forward,
            step_s=step,
            forward_speedup=base_forward / forward,
            step_speedup=base_step / step,
        )
        for variant, (forward, step) in medians.items()
    ]


def _seconds(device: torch.device, run: Callable[[], object]) -> float:
    _wait(device)
    began_s = time.perf_counter()
    run()
    _wait(device)
    return time.perf_counter() - began_s


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def print_measurement(measured: Measurement, console: Console) -> None:
    """Write the table that people read."""
    table = Table(
        title=f"{measured.device}, {measured.threads} threads: {measured.tracklets} clips of "
        f"{measured.frames} frames, medians of {measured.rounds} rounds"
    )
    for heading in ("model", "variant", "forward s", "× eager", "step s", "× eager"):
        table.add_column(heading, justify="left" if heading in {"model", "variant"} else "right")
    for row in measured.rows:
        table.add_row(
            row.model,
            row.variant,
            f"{row.forward_s:.3f}",
            f"{row.forward_speedup:.2f}",
            f"{row.step_s:.3f}",
            f"{row.step_speedup:.2f}",
        )
    console.print(table)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--model", action="append", choices=list(CONFIGS), help="default: all")
    parser.add_argument("--tracklets", type=int, default=2, help="clips in a batch")
    parser.add_argument("--frames", type=int, default=4, help="frames in a clip")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-compile", action="store_true", help="eager variants only")
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    options = parser.parse_args(arguments)
    with Progress(console=Console(stderr=True)) as progress:
        measured = measure(
            {name: CONFIGS[name] for name in options.model or CONFIGS},
            variants=[v for v in VARIANTS if not (options.no_compile and v.compiled)],
            tracklets=options.tracklets,
            frames=options.frames,
            rounds=options.rounds,
            device=torch.device("cuda" if torch.cuda.is_available() else "cpu"),
            progress=progress,
        )
    if options.json:
        json.dump(asdict(measured), sys.stdout, indent=2)
    else:
        print_measurement(measured, Console())


if __name__ == "__main__":
    main()
