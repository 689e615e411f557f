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
    for row, name, query, first in zip(chosen, view.ids_of(chosen), queries, firsts, strict=True):
        own = float(view.exact(query, np.array([row]))[0])
        found = first[0]
        if found.tracklet_id != name and found.similarity != own:
            return "a row is not the nearest to itself"
    return None
