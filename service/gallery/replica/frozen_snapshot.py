"""Between a view of the index and the arrays of a snapshot."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from service.errors import ReidError
from service.gallery.gallery_errors import SnapshotUnusable
from service.gallery.index.frozen import FrozenRows, freeze, frozen_embeddings, thaw
from service.gallery.index.gallery_index import GalleryIndex
from service.gallery.index.row_columns import RowColumns
from service.gallery.index.view import View
from service.gallery.replica.snapshot import SnapshotContent
from service.gallery.replica.snapshot_files import read_array, read_pieces, unusable
from service.gallery.replica.snapshot_manifest import SnapshotManifest

_EMBEDDINGS = "embeddings"
_IDS = "ids"
_DESCRIBED = "described"
_COLUMN = "column."
_ATTRIBUTE = "attribute."


def content_of(view: View, *, quarantined: tuple[str, ...] = ()) -> SnapshotContent:
    """What a snapshot of this view is made of.

    Args:
        view: Kept, with all its rows, until the snapshot is written.
        quarantined: Ids of rows that were damaged in the store.
    """
    frozen = freeze(view)
    columns = frozen.columns.arrays()
    held = {f"{_COLUMN}{name}": column for name, column in columns.items()}
    # The name of an attribute may be any text, and that of a file may not.
    for number, codes in enumerate(frozen.attributes.values()):
        held[f"{_ATTRIBUTE}{number}"] = codes
    held[_IDS] = np.frombuffer(frozen.ids, np.uint8)
    held[_DESCRIBED] = _described(frozen)
    arrays: dict[str, Iterator[NDArray[np.generic]]] = {
        name: iter([array]) for name, array in held.items()
    }
    arrays[_EMBEDDINGS] = _embeddings(view)
    embedding_bytes = frozen.state.tracklets * frozen.dimension * np.dtype(np.float16).itemsize
    size_bytes = sum(array.nbytes for array in held.values()) + embedding_bytes
    return SnapshotContent(frozen.state, arrays, size_bytes, quarantined)


def index_from(path: Path, manifest: SnapshotManifest) -> GalleryIndex:
    """The index that a snapshot holds; every byte is verified on the way.

    Raises:
        SnapshotUnusable: When one bit of it is not as written.
    """
    files = {array.name: array for array in manifest.arrays}
    try:
        described = json.loads(read_array(path, files.pop(_DESCRIBED)).tobytes())
        embeddings = files.pop(_EMBEDDINGS)
        ids = read_array(path, files.pop(_IDS)).tobytes()
        attributes = {
            name: read_array(path, files.pop(f"{_ATTRIBUTE}{number}"))
            for number, name in enumerate(described["attributes"])
        }
        columns = {
            name.removeprefix(_COLUMN): read_array(path, file) for name, file in files.items()
        }
        frozen = FrozenRows(
            manifest.state,
            described["dimension"],
            described["length_error"],
            RowColumns.of(columns),
            cast("dict[str, NDArray[np.int32]]", attributes),
            ids,
            described["values"],
        )
        pieces = cast("Iterator[NDArray[np.float16]]", read_pieces(path, embeddings))
        return thaw(frozen, pieces)
    except SnapshotUnusable:
        raise
    except (ReidError, ValueError, TypeError, KeyError, IndexError) as error:
        # Bytes are as they were written; so another release of this service wrote them.
        raise unusable("the arrays of this release", f"{type(error).__name__}: {error}") from error


def _described(frozen: FrozenRows) -> NDArray[np.generic]:
    described = {
        "dimension": frozen.dimension,
        "length_error": frozen.length_error,
        "values": frozen.values,
        "attributes": list(frozen.attributes),
    }
    return np.frombuffer(json.dumps(described).encode(), np.uint8)


def _embeddings(view: View) -> Iterator[NDArray[np.generic]]:
    yield np.empty((0, view.dimension), np.float16)
    for chunk in frozen_embeddings(view):
        yield chunk
        chunk.fill(0)  # Otherwise a copy stays in freed memory, and outlives an erasure.
