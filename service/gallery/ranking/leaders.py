"""The nearest tracklet and the best of another identity, most often among what was found anyway."""

from collections.abc import Sequence

from service.gallery.filter_tree import Equals, Exists, Joined, Not
from service.gallery.index.planner import Mode
from service.gallery.index.view import Hit
from service.gallery.ranking.decision import Leaders
from service.gallery.ranking.neighbours import Neighbours


def find_leaders(
    neighbours: Neighbours, hits: Sequence[Hit], *, exhausted: bool, mode: Mode
) -> Leaders:
    """Leaders among all eligible tracklets.

    Args:
        neighbours: Who is eligible.
        hits: The nearest tracklets, or the nearest of each identity, by falling similarity; empty
            where what was found has another order, and then they are looked for.
        exhausted: Whether `hits` are all there are.
        mode: Of the search.
    """
    if not hits and not exhausted:
        hits = neighbours.anew().nearest(1, mode)
    if not hits:
        return Leaders(None, None)
    nearest = hits[0]
    own = nearest.metadata.identity
    if own is None:
        return Leaders(nearest.similarity, None)
    rival = next((hit for hit in hits if hit.metadata.identity not in {None, own}), None)
    if rival is None and not exhausted:
        others = Joined((Exists("identity"), Not(Equals("identity", (own,)))))
        rival = next(iter(neighbours.anew(others).nearest(1, mode)), None)
    return Leaders(nearest.similarity, None if rival is None else rival.similarity)
