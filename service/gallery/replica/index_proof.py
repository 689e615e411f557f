"""What an index must show before anybody may search it: its rows find themselves, and all count."""

import math

import numpy as np

from service.gallery.filter_tree import EVERYTHING
from service.gallery.index.view import View

SEARCHED_ROWS = 64


def fault_in(view: View, random: np.random.Generator) -> str | None:
    """Search for up to 64 rows of the view; what is wrong with it, None when nothing is.

    A row must come first when its own embedding is searched for, or share the first place with
    another one of the same similarity.
    """
    everything = view.select(EVERYTHING, now_s=-math.inf)
    if everything.count != view.state.tracklets:
        return f"{everything.count} rows are alive where {view.state.tracklets} are counted"
    rows = everything.rows()
    chosen = np.sort(random.choice(rows, min(SEARCHED_ROWS, len(rows)), replace=False))
    if not len(chosen):
        return None
    queries = view.embeddings(chosen)
    firsts = view.nearest(queries, everything, 1)
    for row, query, [first] in zip(chosen, queries, firsts, strict=True):
        place = view.row_of(first.tracklet_id)
        if place is None:
            return "a row that was found is not held"
        # What the search says of its find is not believed: it is computed by other means.
        own, found = view.exact(query, np.array([row, place]))
        if (found, first.similarity) != (own, own):
            return "a row is not the nearest to itself"
    return None
