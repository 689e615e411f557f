"""MARS-size evaluation (1,980 × 11,310 at 1,472-d) beside naive NumPy loops, in the same run.

    python -m benchmarks.evaluate_mars_scale --json
    python -m benchmarks.evaluate_mars_scale --info PATH/MARS/info

Identities and cameras have the shape of MARS, or are those of its official lists with `--info`;
features are made up. Each part runs in a fresh process, and its peak memory is what it adds to the
two tables (Linux only). All do the same: similarities, ranking by the same-camera rule, mAP.

* `evaluator`: `training.evaluation.ranking.evaluate_retrieval`.
* `euclidean_loop`: the loop as it is usually written: for every query, the differences to all
  gallery rows, squared, summed and rooted; `np.argsort`; masks for junk and the own camera; average
  precision in a Python loop over the ranks.
* `product_loop`: the same loop with one matrix-vector product per query instead of differences,
  which only works on normalised embeddings. The best that one gets without giving up the loop.
"""

import argparse
import json
import multiprocessing
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.data.mars_lists import read_mars_lists
from training.evaluation.embedding_table import EmbeddingTable
from training.evaluation.ranking import evaluate_retrieval
from training.evaluation.ranking_rules import DISTRACTOR, JUNK

AGREE_WITHIN = 1e-5


@dataclass(frozen=True)
class Scale:
    """How large the made-up data set is; MARS's own size if not given."""

    identities: int = 626
    queries: int = 1980
    gallery: int = 11310
    distractors: int = 3248
    junk: int = 870
    cameras: int = 6
    dimension: int = 1472


@dataclass(frozen=True)
class Measured:
    """One part: how long it took, what it added to memory at its peak, what it found.

    On a machine that is busy with other things the processor's seconds, over all cores, say more.
    """

    seconds: float
    processor_seconds: float
    peak_mb: float
    mean_average_precision: float


@dataclass(frozen=True)
class Comparison:
    """All parts over the same tables."""

    queries: int
    gallery_without_junk: int
    dimension: int
    evaluator: Measured
    euclidean_loop: Measured
    product_loop: Measured
    times_faster_than_euclidean_loop: float
    times_faster_than_product_loop: float


def made_up_tables(scale: Scale, seed: int = 0) -> tuple[EmbeddingTable, EmbeddingTable]:
    """Queries, and a gallery that holds them, junk and distractors."""
    rng = np.random.default_rng(seed)
    people = scale.gallery - scale.distractors
    identities = np.concatenate(
        [
            np.arange(people) % scale.identities + 1,
            np.full(scale.distractors, DISTRACTOR),
            np.full(scale.junk, JUNK),
        ]
    )
    # Two rounds of tracklets of everybody come from two cameras, so that every query has a match.
    rounds = np.arange(len(identities)) // scale.identities
    drawn = rng.integers(0, scale.cameras, len(identities))
    cameras = np.where(rounds < 2, rounds, drawn) + 1
    gallery = _table(identities, cameras, scale.dimension, rng)
    return gallery.take(rng.choice(people, scale.queries, replace=False)), gallery


def listed_tables(
    info: Path, dimension: int, seed: int = 0
) -> tuple[EmbeddingTable, EmbeddingTable]:
    """The official queries and all official test tracklets, with made-up features."""
    lists = read_mars_lists(info)
    identities = np.array([tracklet.identity for tracklet in lists.test], dtype=np.int64)
    cameras = np.array([tracklet.camera for tracklet in lists.test], dtype=np.int64)
    gallery = _table(identities, cameras, dimension, np.random.default_rng(seed))
    return gallery.take(np.array(lists.query_rows)), gallery


def _table(
    identities: NDArray[np.int64],
    cameras: NDArray[np.int64],
    dimension: int,
    rng: np.random.Generator,
) -> EmbeddingTable:
    """Features around a centre per identity, a third as long as what else is in them."""
    centres = rng.standard_normal((identities.max() + 2, dimension), dtype=np.float32)
    features = rng.standard_normal((len(identities), dimension), dtype=np.float32)
    features *= 3
    # Nobody resembles nobody: junk and distractors have no centre.
    centres[[JUNK, DISTRACTOR]] = 0
    features += centres[identities]
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    return EmbeddingTable(
        names=np.array([f"t{row:05d}" for row in range(len(identities))]),
        identities=identities,
        cameras=cameras.astype(np.float64),
        outfits=np.full(len(identities), ""),
        embeddings=features,
    )


def evaluator(query: EmbeddingTable, gallery: EmbeddingTable) -> float:
    """What the project does."""
    return evaluate_retrieval(query, gallery).mean_average_precision


def euclidean_loop(query: EmbeddingTable, gallery: EmbeddingTable) -> float:
    """Distances as they are usually written."""

    def distances(row: int) -> NDArray[np.float32]:
        squares = ((gallery.embeddings - query.embeddings[row]) ** 2).sum(axis=1)
        return np.asarray(np.sqrt(squares))

    return _loop(query, gallery, distances)


def product_loop(query: EmbeddingTable, gallery: EmbeddingTable) -> float:
    """One matrix-vector product per query."""
    return _loop(query, gallery, lambda row: 1 - gallery.embeddings @ query.embeddings[row])


def _loop(
    query: EmbeddingTable, gallery: EmbeddingTable, distances: Callable[[int], NDArray[np.float32]]
) -> float:
    precisions = []
    for row in range(len(query)):
        order = np.argsort(distances(row))
        identities, cameras = gallery.identities[order], gallery.cameras[order]
        own = (identities == query.identities[row]) & (cameras == query.cameras[row])
        matches = identities[(identities != JUNK) & ~own] == query.identities[row]
        if not matches.any():
            continue
        found, total = 0, 0.0
        for rank, right in enumerate(matches, start=1):
            if right:
                found += 1
                total += found / rank
        precisions.append(total / found)
    return float(np.mean(precisions))


PARTS = {part.__name__: part for part in (evaluator, euclidean_loop, product_loop)}


def measure_part(name: str, query: EmbeddingTable, gallery: EmbeddingTable) -> Measured:
    """Run one part in a fresh process."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_measure, args=(sender, name, query, gallery))
    process.start()
    sender.close()
    try:
        measured: Measured = receiver.recv()
    except EOFError:
        raise RuntimeError(f"expected a measurement of {name}, received none; see above") from None
    finally:
        process.join()
    return measured


def _measure(sender: Connection, name: str, query: EmbeddingTable, gallery: EmbeddingTable) -> None:
    Path("/proc/self/clear_refs").write_text("5")  # the peak so far is forgotten
    before = _peak_mb()
    start, processor_start = time.perf_counter(), time.process_time()
    found = PARTS[name](query, gallery)
    seconds, processor = time.perf_counter() - start, time.process_time() - processor_start
    sender.send(
        Measured(
            seconds=seconds,
            processor_seconds=processor,
            peak_mb=round(_peak_mb() - before),
            mean_average_precision=found,
        )
    )


def _peak_mb() -> float:
    status = Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in status if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def compare(query: EmbeddingTable, gallery: EmbeddingTable) -> Comparison:
    """Run all parts.

    Raises:
        RuntimeError: When they find different numbers.
    """
    parts = {name: measure_part(name, query, gallery) for name in PARTS}
    found = [part.mean_average_precision for part in parts.values()]
    if max(found) - min(found) > AGREE_WITHIN:
        raise RuntimeError(f"expected one mAP of all, received {found}; one of them is wrong")
    ours = parts["evaluator"].seconds
    return Comparison(
        queries=len(query),
        gallery_without_junk=int(np.sum(gallery.identities != JUNK)),
        dimension=gallery.embeddings.shape[1],
        **parts,
        times_faster_than_euclidean_loop=round(parts["euclidean_loop"].seconds / ours, 1),
        times_faster_than_product_loop=round(parts["product_loop"].seconds / ours, 1),
    )


def main() -> None:
    """Measure and print a table, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--info", type=Path, help="folder of the official lists of MARS")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    scale = Scale()
    if arguments.info is None:
        tables = made_up_tables(scale)
    else:
        tables = listed_tables(arguments.info, scale.dimension)
    found = compare(*tables)
    if arguments.json:
        json.dump(asdict(found), sys.stdout, indent=2)
        print()
        return
    print(f"{found.queries} queries × {found.gallery_without_junk} at {found.dimension}-d")
    for name in PARTS:
        part: Measured = getattr(found, name)
        print(
            f"{name:>15}: {part.seconds:8.2f} s ({part.processor_seconds:.2f} s of processor)  "
            f"{part.peak_mb:6.0f} MB  mAP {100 * part.mean_average_precision:.3f}"
        )
    print(f"{found.times_faster_than_euclidean_loop} times the speed of the Euclidean loop")


if __name__ == "__main__":
    main()
