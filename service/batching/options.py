"""How batches are made."""

from dataclasses import dataclass

_LONGEST_DELAY_S = 0.005


@dataclass(frozen=True, slots=True)
class BatcherOptions:
    """How batches are made.

    Attributes:
        batch_sizes: Ascending; the backends are given batches of these sizes and no other, the
            largest while more waits. What does not fill one is padded, where that computes fewer
            rows than two smaller batches.
        bulk_share: Of each batch, so much is for bulk while bulk waits; searches take the rest.
        max_delay_s: How long an idle lane waits for a fuller batch.
        prefetch: Assemble one batch while another is computed, in a thread of its own: for devices,
            whose runs leave the cores free.

    Raises:
        ValueError: When the sizes are not ascending, or a number is out of its range.
    """

    batch_sizes: tuple[int, ...]
    bulk_share: float = 0.125
    max_delay_s: float = 0.0
    prefetch: bool = False

    def __post_init__(self) -> None:
        """Refuse options that no batch could keep."""
        sizes = self.batch_sizes
        if not sizes or sizes[0] < 1 or list(sizes) != sorted(set(sizes)):
            raise ValueError(
                f"expected ascending batch sizes of 1 or more, received {list(sizes)}; "
                "correct REID_BATCH_SIZES"
            )
        if not 0 < self.bulk_share <= 0.5:
            raise ValueError(
                f"expected a share of bulk above 0 and at most 0.5, received {self.bulk_share}; "
                "correct REID_BULK_SHARE"
            )
        if not 0 <= self.max_delay_s <= _LONGEST_DELAY_S:
            raise ValueError(
                f"expected a delay of 0 to {_LONGEST_DELAY_S} s, received {self.max_delay_s}; "
                "correct REID_MAX_BATCH_DELAY_S"
            )
