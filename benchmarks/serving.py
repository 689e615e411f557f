"""The serving path beside the bare runtime, beside other servers, and under more than it can do.

    python -m benchmarks.serving --json

One run of about nine minutes gives every figure; nothing else should run meanwhile. Client and
service share the cores of this machine, and what the client takes of them is reported.

* `batcher_*`: the batching layer alone, without HTTP, on a made device that leaves the cores free;
  `batcher_graph_*`: the same on the real graph. `bare_round_trip_ms` of `batcher_added_ms_1` is
  what waking a thread and the event loop costs on this machine. See `benchmarks.batching_layer`.
* `raw_*` and `*_frames_per_s`: see `benchmarks.serving_throughput`. `http_ratio` is of one session
  on all cores at its best batch, which is how a runtime is usually run; `http_ratio_to_sessions` is
  of one session on each core, which is faster here. Both are of the same runtime in the same
  precision; `http_auto_*` is with those that the service chooses itself.
* `decode_ms`: from an upload to the pixels of its frames, under that load.
* `vs_plain_fastapi` and `vs_litserve`: the service over a server that somebody would write on the
  first day, with the same runtime, precision and frames.
* `null_model_crops_per_s`: JPEG crops that come in and are decoded, batched and answered, when the
  model costs nothing; `null_model_long_crops_per_s` of tracklets of twice as many frames.
* `half_load_*`, `overload_*`, `healthz_*`: see `benchmarks.serving_load`.
"""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks import batching_layer
from benchmarks.batching_layer import LayerCost
from benchmarks.sent_tracklets import sample_tracklets
from benchmarks.serving_load import TURNS, LoadedService, measure_loads
from benchmarks.serving_throughput import Contest, Rates, measure_rates
from service.cpu_count import usable_cores

_FIGURES_A_ROUND = 9
_LOADS = 2 + 2 * TURNS
_LAYERS = 2
_LAYER_SHARE = 0.25
"""Of `seconds`: the layer is measured without HTTP, and is steady sooner."""

Figures = dict[str, float | int | str | list[float]]


def measure(contest: Contest, *, deadline_s: float) -> Figures:
    """Every figure, by its name."""
    with Progress(console=Console(stderr=True)) as progress:
        steps = 1 + contest.rounds * (_FIGURES_A_ROUND + _LAYERS) + _LOADS
        task = progress.add_task("start", total=steps)

        def done(name: str) -> None:
            progress.update(task, advance=1, description=name)

        device, graph = measure_layers(contest, done)
        rates = measure_rates(contest, done)
        loads = measure_loads(contest, deadline_s=deadline_s, done=done)
    return {
        "batcher_ratio_64": device.ratio_64,
        "batcher_added_ms_1": device.added_ms_1,
        "bare_round_trip_ms": device.bare_round_trip_ms,
        "batcher_graph_ratio_64": graph.ratio_64,
        "batcher_graph_added_ms_1": graph.added_ms_1,
        **_of_throughput(rates),
        **_of_loads(loads),
        "clients": contest.clients,
        "frames_per_tracklet": contest.frames,
        "rounds": contest.rounds,
        "seconds": contest.seconds,
        "cores": usable_cores(),
    }


def measure_layers(contest: Contest, done: Callable[[str], None]) -> tuple[LayerCost, LayerCost]:
    """The batching layer on a made device and on the graph."""

    def cost(setup: batching_layer.Setup) -> LayerCost:
        return batching_layer.measure(
            setup,
            seconds=contest.seconds * _LAYER_SHARE,
            rounds=contest.rounds,
            advance=lambda: done("batching layer"),
        )

    device = cost(batching_layer.sleeping_setup())
    return device, cost(batching_layer.graph_setup(contest.artifact))


def _of_throughput(rates: Rates) -> Figures:
    return {
        "raw_frames_per_s": round(rates.raw, 1),
        "raw_batch": rates.raw_batch,
        "raw_sessions_frames_per_s": round(rates.raw_sessions, 1),
        "raw_sessions_batch": rates.raw_sessions_batch,
        "http_frames_per_s": round(rates.http, 1),
        "http_ratio": round(rates.http / rates.raw, 3),
        "http_ratio_to_sessions": round(rates.http / rates.raw_sessions, 3),
        "http_auto_frames_per_s": round(rates.http_auto, 1),
        "http_auto_runs": rates.chosen,
        "http_auto_ratio": round(rates.http_auto / rates.raw, 3),
        "decode_ms": round(rates.decode_ms, 2),
        "plain_fastapi_frames_per_s": round(rates.plain_fastapi, 1),
        "vs_plain_fastapi": round(rates.http / rates.plain_fastapi, 3),
        "litserve_frames_per_s": round(rates.litserve, 1),
        "vs_litserve": round(rates.http / rates.litserve, 3),
        "null_model_crops_per_s": round(rates.null_model, 1),
        "null_model_long_crops_per_s": round(rates.null_model_long, 1),
        "client_cores": round(rates.client_cores, 3),
    }


def _of_loads(loads: LoadedService) -> Figures:
    return {
        "half_load_p50_ms": round(loads.half_load_p50_ms, 1),
        "half_load_p99_ms": round(loads.half_load_p99_ms, 1),
        "peak_tracklets_per_s": round(loads.peak_per_s, 2),
        "overload_offered_per_s": round(loads.offered_per_s, 2),
        "overload_goodput_per_s": round(loads.goodput_per_s, 2),
        "overload_goodput_ratio": round(loads.goodput_per_s / loads.peak_per_s, 3),
        "overload_goodput_ratios": [round(ratio, 3) for ratio in loads.goodput_ratios],
        "overload_deadline_s": loads.deadline_s,
        "overload_in_time_share": round(loads.in_time_share, 4),
        "overload_refused_share": round(loads.refused_share, 4),
        "overload_unanswered": loads.unanswered,
        "overload_p99_ms": round(loads.overload_p99_ms, 1),
        "overload_memory_growth_mb": round(loads.memory_growth_mb, 2),
        "healthz_p50_ms": round(loads.healthz_p50_ms, 2),
        "healthz_p99_ms": round(loads.healthz_p99_ms, 2),
    }


def _show(figures: Figures) -> None:
    table = Table("figure", "value")
    for name, value in figures.items():
        table.add_row(name, f"{value}")
    Console().print(table)


def main(arguments: list[str] | None = None) -> None:
    """Measure and print a table, or one JSON object."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--artifact", type=Path, default=Path("artifacts/dcct-light"))
    parser.add_argument("--samples", type=Path, default=Path("samples"))
    parser.add_argument("--frames", type=int, default=8, help="of one tracklet")
    parser.add_argument("--clients", type=int, default=16, help="that wait for their answers")
    parser.add_argument("--seconds", type=float, default=8.0, help="of one measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--deadline-s", type=float, default=2.0, help="of a request in the loads")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    asked = parser.parse_args(arguments)
    tracklets = sample_tracklets(asked.samples, frames=asked.frames)
    contest = Contest(asked.artifact, tracklets, asked.clients, asked.seconds, asked.rounds)
    figures = measure(contest, deadline_s=asked.deadline_s)
    if asked.json:
        json.dump(figures, sys.stdout, indent=2)
        print()
    else:
        _show(figures)


if __name__ == "__main__":
    main()
