"""How many items to take for the next batch, and how many rows that batch will have."""

from bisect import bisect_left, bisect_right


def padded_size(items: int, sizes: tuple[int, ...]) -> int:
    """The smallest of the ascending sizes that holds so many items, at most the largest."""
    return sizes[bisect_left(sizes, items)]


def items_to_take(waiting: int, idle_lanes: int, sizes: tuple[int, ...]) -> int:
    """How many of the waiting items one of the idle lanes should take.

    Idle lanes share; what more than fills the largest batch fills it exactly. Between two sizes it
    is either padded, or the smaller one is filled and the rest left for the next batch, whichever
    computes fewer rows.

    Args:
        waiting: One or more.
        idle_lanes: One or more, the asking one included.
        sizes: Ascending.
    """
    share = -(-waiting // idle_lanes)
    if share >= sizes[-1]:
        return sizes[-1]
    below = bisect_right(sizes, share)
    if below == 0:
        return share
    filled = sizes[below - 1]
    rest = share - filled
    if rest and filled + padded_size(rest, sizes) < padded_size(share, sizes):
        return filled
    return share
