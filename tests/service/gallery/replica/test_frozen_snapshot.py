"""An index that was written and read again is the same in all that a search can see."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.gallery.gallery_errors import SnapshotUnusable
from service.gallery.replica.frozen_snapshot import content_of, index_from
from service.gallery.replica.snapshot import SnapshotDirectory
from service.gallery.replica.snapshot_manifest import read_manifest
from service.gallery.stores.protocol import GalleryInfo
from tests.gallery_stores import SPEC, upsert
from tests.replicas import WITH_DISK, ids_in, index_of

INFO = GalleryInfo("g1", "staff", SPEC, 1.5)

names = st.sampled_from("abcde")
known = st.fixed_dictionaries(
    {},
    optional={
        "identity": st.sampled_from(["p", "q"]),
        "camera": st.just("c"),
        "start_s": st.floats(0, 5),
        "expires_s": st.floats(6, 9),
        "attributes": st.dictionaries(
            st.sampled_from(["a", "a/b", "../ä", "x" * 99]),
            st.booleans() | st.integers(-3, 3) | st.floats(0, 1) | st.sampled_from(["", "red"]),
        ),
    },
)


def through_the_disk(directory, view):
    path = SnapshotDirectory(directory, INFO).write(content_of(view, quarantined=("z",)))
    return path, read_manifest(path)


@WITH_DISK
@given(st.dictionaries(names, known), st.sets(names))
def test_everything_comes_back(tmp_path_factory, rows, deleted):
    index = index_of([upsert(name, ord(name), **known) for name, known in rows.items()])
    index.apply([], sorted(deleted), seq=9, chain="y" * 40)
    path, manifest = through_the_disk(tmp_path_factory.mktemp("snapshot"), index.view)
    back = index_from(path, manifest).view
    assert back.state == index.view.state == manifest.state
    assert ids_in(back) == ids_in(index.view)
    for name in ids_in(back):
        assert back.record_head(name) == index.view.record_head(name)
        one, other = (view.embeddings(np.array([view.row_of(name)])) for view in (back, index.view))
        assert one.tobytes() == other.tobytes()


def test_the_room_that_is_asked_for_is_the_room_that_is_taken(tmp_path):
    index = index_of([upsert(f"t{seed}", seed, attributes={"n": seed}) for seed in range(50)])
    content = content_of(index.view)
    path = SnapshotDirectory(tmp_path, INFO).write(content)
    assert content.size_bytes == sum(one.stat().st_size for one in path.glob("*.raw"))


def test_what_was_deleted_is_in_no_file(tmp_path):
    index = index_of([upsert("a", 1), upsert("b", 2)])
    erased = index.view.embeddings(np.array([index.view.row_of("b")])).astype("<f2").tobytes()
    index.apply([], ["b"], seq=2, chain="y" * 40)
    path, _ = through_the_disk(tmp_path, index.view)
    assert erased not in (path / "embeddings.raw").read_bytes()


@pytest.mark.parametrize("lacking", ["described", "ids", "embeddings", "column.seq"])
def test_a_snapshot_without_one_of_its_arrays_is_of_another_release(tmp_path, lacking):
    index = index_of([upsert("a", 1)])
    content = content_of(index.view)
    arrays = {name: pieces for name, pieces in content.arrays.items() if name != lacking}
    path = SnapshotDirectory(tmp_path, INFO).write(
        type(content)(content.state, arrays, content.size_bytes)
    )
    with pytest.raises(SnapshotUnusable, match="the arrays of this release"):
        index_from(path, read_manifest(path))


def test_rows_that_are_not_those_of_its_digest_are_refused(tmp_path):
    index = index_of([upsert("a", 1), upsert("b", 2)])
    other = index_of([upsert("a", 1), upsert("c", 2)])
    content = content_of(index.view)
    path = SnapshotDirectory(tmp_path, INFO).write(
        type(content)(other.view.state, content.arrays, content.size_bytes)
    )
    with pytest.raises(SnapshotUnusable, match="the arrays of this release"):
        index_from(path, read_manifest(path))
