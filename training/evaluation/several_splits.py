"""Mean and spread over several splits or seeds, as the small data sets are reported."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from training.evaluation.retrieval_result import RetrievalResult


@dataclass(frozen=True, slots=True)
class Spread:
    """One metric over n splits, as fractions of 1.

    Attributes:
        mean: Of the splits.
        standard_deviation: Of the sample (n - 1); none where there is one split.
        splits: n.
    """

    mean: float
    standard_deviation: float | None
    splits: int


def over_splits(results: Sequence[RetrievalResult]) -> Mapping[str, Spread]:
    """`rank1`, `rank5`, `rank10`, `rank20`, `mAP` and `mINP` over splits of one data set.

    Raises:
        ValueError: When there is none, or they were not ranked by the same rules.
    """
    if not results:
        raise ValueError("expected at least 1 split, received none; evaluate one")
    if any(result.rules != results[0].rules for result in results):
        raise ValueError(
            f"expected all splits ranked by {results[0].rules!r}, received others as well; "
            "evaluate every split by the same rules"
        )
    metrics = [result.metrics() for result in results]
    return {name: _spread([one[name] for one in metrics]) for name in metrics[0]}


def _spread(values: Sequence[float]) -> Spread:
    return Spread(
        mean=float(np.mean(values)),
        standard_deviation=float(np.std(values, ddof=1)) if len(values) > 1 else None,
        splits=len(values),
    )
