"""The measurement of bytes per tracklet, on few and small ones."""

from benchmarks.gallery_memory import measure

PLACES = {"redis_memory", "redis_file", "sqlite_file", "index_memory", "snapshot"}


def test_every_place_holds_at_least_the_embedding_and_a_wider_one_takes_more():
    narrow, wide = measure(2048, 64), measure(2048, 512)
    assert set(narrow) == set(wide) == PLACES
    for place in PLACES - {"index_memory"}:  # grows by whole segments
        assert narrow[place] > 64 * 2
        grown = wide[place] - narrow[place]
        assert (512 - 64) * 2 * 0.9 < grown < (512 - 64) * 2 * 1.6, place
