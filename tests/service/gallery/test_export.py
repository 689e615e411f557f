import numpy as np

from service.gallery.deletion import delete_one
from service.gallery.export import GalleryExport
from service.gallery.filter_tree import EVERYTHING, Equals
from tests.gallery_rows import embedding_of, kept
from tests.open_galleries import put


def exported(gallery, chosen=EVERYTHING):
    return GalleryExport(gallery, gallery.view(), chosen)


def tracklets(export):
    return {each.tracklet_id: each for piece in export.pieces() for each in piece}


def test_everything_is_exported_as_it_was_at_one_write(gallery):
    seq = put(gallery, "a", "b", identity="p")
    export = exported(gallery)
    put(gallery, "a", seed=7, identity="q")
    delete_one(gallery, "b")
    put(gallery, "c")
    held = tracklets(export)
    assert (export.seq, export.tracklets, sorted(held)) == (seq, 2, ["a", "b"])
    assert held["a"].metadata.identity == "p"
    np.testing.assert_array_equal(held["a"].embedding, kept(embedding_of(1)))
    assert held["a"].seq == seq
    assert sorted(tracklets(exported(gallery))) == ["a", "c"]


def test_what_has_expired_and_what_was_not_chosen_stays_behind(gallery):
    put(gallery, "old", expires_s=1.0)
    put(gallery, "new", camera="c1")
    put(gallery, "other", camera="c2")
    export = exported(gallery, Equals("camera", ("c1",)))
    assert list(tracklets(export)) == ["new"]
    (row,) = gallery.rows(["new"])
    assert tracklets(export)["new"].enrolled_s == row.record.enrolled_s
    assert sorted(tracklets(exported(gallery))) == ["new", "other"]


def test_a_large_gallery_comes_in_pieces(gallery):
    for start in range(0, 600, 200):
        put(gallery, *(f"t{number}" for number in range(start, start + 200)))
    pieces = list(exported(gallery).pieces())
    assert [len(piece) for piece in pieces] == [256, 256, 88]
    assert list(exported(gallery, Equals("camera", ("none",))).pieces()) == []
