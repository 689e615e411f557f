"""Size, speed and faithfulness of a graph in every precision, one table.

    python -m benchmarks.precision_table artifacts/dcct-light --data market1501=DIR --json

reduces the artifact's graph in every way, runs all variants in turns on one thread of ONNX Runtime
and of OpenVINO, and compares what they say of the drawn mini-gallery and, with `--data`, of the
held-out identities of real data, whose other identities calibrate. Speeds are medians of rounds,
ratios medians of what each round gave against the graph as it was shipped.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import onnx
import onnxruntime
import openvino
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from model.manifest import Manifest, load_manifest
from training.data.catalogue import read_data_set
from training.data.tracklet import Tracklet, hold_out_identities
from training.evaluation.embedding_table import EmbeddingTable
from training.evaluation.ranking import evaluate_retrieval
from training.export.calibration_items import items_of
from training.export.card_results import PrecisionRow
from training.export.graph_runner import RunItems, run_in_batches
from training.export.half_precision import half_precision
from training.export.mini_gallery import answers, draw_gallery
from training.export.optimize import folded
from training.export.quantize import Int8Plan, quantized
from training.export.tracklet_embedding import least_part_cosines, tracklet_embeddings

SHIPPED = "as shipped"
HELD_OUT = 50
PLANS: Mapping[str, Int8Plan] = {
    "int8 dynamic products": Int8Plan(),
    "int8 static products": Int8Plan(products="static"),
    "int8 static convolutions": Int8Plan(products="kept", convolutions=True),
    "int8 static both": Int8Plan(products="static", convolutions=True),
    "int8 dynamic products, static convolutions": Int8Plan(convolutions=True),
}

Items = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Quality:
    """What a runner says: embeddings of drawn tracklets, mAP there, and rank-1 and mAP on real."""

    embeddings: NDArray[np.float32]
    drawn_map: float
    real: tuple[float, float] | None


def variants(graph: onnx.ModelProto, items: Items) -> dict[str, onnx.ModelProto]:
    """The graph in every precision, the shipped one first."""
    plain = folded(graph)
    return {
        SHIPPED: graph,
        "fp16 arithmetic": half_precision(plain),
        **{name: quantized(plain, plan, items) for name, plan in PLANS.items()},
    }


def onnxruntime_runner(path: Path) -> RunItems:
    """One session of one thread, as a lane of the service is."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def run(items: Items) -> NDArray[np.float32]:
        rows: NDArray[np.float32] = session.run(None, {name: items})[0]
        return rows

    return run


def openvino_runner(path: Path) -> RunItems:
    """One stream of one thread, in float32 where the graph says nothing else."""
    core = openvino.Core()
    options = {"NUM_STREAMS": 1, "INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32"}
    request = core.compile_model(core.read_model(path), "CPU", options).create_infer_request()

    def run(items: Items) -> NDArray[np.float32]:
        return np.array(request.infer([items])[0], dtype=np.float32)

    return run


RUNTIMES: Mapping[str, Callable[[Path], RunItems]] = {
    "onnxruntime": onnxruntime_runner,
    "openvino": openvino_runner,
}


def rates_in_turns(
    runners: Mapping[tuple[str, str], RunItems], batch: Items, *, rounds: int
) -> dict[tuple[str, str], list[float]]:
    """Items a second of every runner in every round, one call of each after another."""
    for run in runners.values():
        run(batch)
    rates: dict[tuple[str, str], list[float]] = {key: [] for key in runners}
    for _ in range(rounds):
        for key, run in runners.items():
            started_s = time.perf_counter()
            run(batch)
            rates[key].append(len(batch) / (time.perf_counter() - started_s))
    return rates


class Judge:
    """Draws the mini-gallery and reads the real tracklets once; judges every runner on both.

    Args:
        manifest: Of the artifact; its unit is a frame.
        held_out: Real tracklets, or none.
    """

    def __init__(self, manifest: Manifest, held_out: Sequence[Tracklet]) -> None:
        self._output = manifest.output
        self.gallery = draw_gallery(manifest.preprocessing, manifest.output)
        self._held_out = held_out
        self._items = [
            items_of([one], manifest.preprocessing, most=manifest.preprocessing.choice.most)
            for one in held_out
        ]

    def __call__(self, run: RunItems) -> Quality:
        """Run everything, 8 items at a time."""
        found = answers(run, self.gallery, self._output, largest=8)
        return Quality(found.embeddings, found.mean_average_precision, self._real(run))

    def _real(self, run: RunItems) -> tuple[float, float] | None:
        if not self._held_out:
            return None
        embeddings = [
            tracklet_embeddings(run_in_batches(run, items, largest=8)[None], self._output.parts)[0]
            for items in self._items
        ]
        table = EmbeddingTable(
            names=np.array([one.name for one in self._held_out]),
            identities=np.array([one.identity for one in self._held_out], dtype=np.int64),
            cameras=np.array([one.camera for one in self._held_out], dtype=np.float64),
            outfits=np.full(len(self._held_out), ""),
            embeddings=np.stack(embeddings),
        )
        result = evaluate_retrieval(table, table)
        return 100 * float(result.cmc[1]), 100 * result.mean_average_precision

    def cosines(self, expected: Quality, received: Quality) -> NDArray[np.float64]:
        """Per drawn tracklet, the least of its parts."""
        return least_part_cosines(expected.embeddings, received.embeddings, self._output.parts)


def measure(
    artifact: Path, data: tuple[str, Path] | None, *, batch: int, rounds: int
) -> list[PrecisionRow]:
    """Every variant on every runtime that takes it."""
    manifest = load_manifest(artifact)
    learned, held_out = ([], []) if data is None else _tracklets(*data)
    judge = Judge(manifest, held_out)
    drawn = judge.gallery.items
    items = items_of(learned, manifest.preprocessing) if learned else drawn[:64]
    with TemporaryDirectory() as scratch:
        files = _written(variants(onnx.load(artifact / manifest.graph.file), items), Path(scratch))
        runners = {
            (name, runtime): runner(path)
            for runtime, runner in RUNTIMES.items()
            for name, path in files.items()
        }
        rates = rates_in_turns(runners, drawn[:batch], rounds=rounds)
        qualities = {key: judge(run) for key, run in runners.items()}
        sizes = {name: path.stat().st_size / 1e6 for name, path in files.items()}
    first = next(iter(runners))
    return [
        _row(key, sizes[key[0]], (rates[first], rates[key]), (qualities[first], quality), judge)
        for key, quality in qualities.items()
    ]


def _row(
    key: tuple[str, str],
    megabytes: float,
    rates: tuple[list[float], list[float]],
    qualities: tuple[Quality, Quality],
    judge: Judge,
) -> PrecisionRow:
    (shipped, own), (reference, quality) = rates, qualities
    cosines = judge.cosines(reference, quality)
    return PrecisionRow(
        variant=key[0],
        runtime=key[1],
        megabytes=round(megabytes, 1),
        frames_per_s=round(median(own), 1),
        ratio=round(median(one / other for one, other in zip(own, shipped, strict=True)), 2),
        least_cosine=round(float(cosines.min()), 5),
        mean_cosine=round(float(cosines.mean()), 5),
        drawn_map_change=round(quality.drawn_map - reference.drawn_map, 2),
        real_rank_1=None if quality.real is None else round(quality.real[0], 2),
        real_map=None if quality.real is None else round(quality.real[1], 2),
    )


def _tracklets(name: str, root: Path) -> tuple[list[Tracklet], list[Tracklet]]:
    return hold_out_identities(read_data_set(name, root).split().train, HELD_OUT)


def _written(graphs: Mapping[str, onnx.ModelProto], directory: Path) -> dict[str, Path]:
    files = {name: directory / f"{place}.onnx" for place, name in enumerate(graphs)}
    for name, graph in graphs.items():
        onnx.save(graph, files[name])
    return files


def _named_root(text: str) -> tuple[str, Path]:
    name, found, root = text.partition("=")
    if not found:
        raise argparse.ArgumentTypeError(f"expected NAME=FOLDER, received {text!r}")
    return name, Path(root)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("artifact", type=Path)
    parser.add_argument("--data", type=_named_root, help="NAME=FOLDER, market1501=DIR say")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    rows = measure(options.artifact, options.data, batch=options.batch, rounds=options.rounds)
    if options.json:
        json.dump([row.model_dump() for row in rows], sys.stdout, indent=2)
        return
    table = Table(*PrecisionRow.model_fields)
    for row in rows:
        table.add_row(
            *(
                "not measured" if value is None else str(value)
                for value in row.model_dump().values()
            )
        )
    Console().print(table)


if __name__ == "__main__":
    main()
