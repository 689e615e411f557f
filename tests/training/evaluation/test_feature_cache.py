import json
import os
import stat

import numpy as np
import pytest

from model.manifest import file_digest
from training.data.tracklet import Tracklet
from training.evaluation import feature_cache
from training.evaluation.clip_embedders import HistogramEmbedder
from training.evaluation.feature_cache import KEY_FILE, FeatureCache, tracklet_digest
from training.evaluation.feature_key import FeatureKey

FEATURES = {
    "aa" * 32: {"cnn": np.arange(3, dtype=np.float32), "final": np.ones(2, np.float32)},
    "bb" * 32: {"cnn": -np.arange(3, dtype=np.float32), "final": np.zeros(2, np.float32)},
}


@pytest.fixture
def key():
    return FeatureKey.of(HistogramEmbedder((64, 32), sampled_frames=4), "dense")


@pytest.fixture
def cache(tmp_path, key):
    return FeatureCache.open(tmp_path / "features", key)


@pytest.fixture
def frames(tmp_path):
    folder = tmp_path / "0001"
    folder.mkdir()
    for name in ("1.jpg", "2.jpg"):
        (folder / name).write_bytes(b"pixels")
    return sorted(folder.iterdir())


def test_what_is_added_comes_back(cache, key, tmp_path):
    cache.add(FEATURES)
    cache.add({"cc" * 32: FEATURES["aa" * 32]})
    loaded, damaged = FeatureCache.open(tmp_path / "features", key).load()
    assert not damaged
    assert loaded.keys() == {*FEATURES, "cc" * 32}
    for digest, parts in FEATURES.items():
        assert loaded[digest].keys() == parts.keys()
        assert all(np.array_equal(loaded[digest][name], rows) for name, rows in parts.items())


def test_a_damaged_file_is_removed_and_named(cache):
    cache.add(FEATURES)
    cache.add({"cc" * 32: FEATURES["aa" * 32]})
    path = next(cache.folder.glob("*.safetensors"))
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    loaded, damaged = cache.load()
    assert damaged == (path,)
    assert not path.exists()
    assert len(loaded) in {1, 2}
    assert not cache.load().damaged


def test_only_the_owner_can_read_features(cache):
    cache.add(FEATURES)
    assert stat.S_IMODE(cache.folder.stat().st_mode) == 0o700
    for path in cache.folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_folder_says_what_it_was_made_with(cache, key):
    assert json.loads((cache.folder / KEY_FILE).read_text()) == key.model_dump()


def test_another_key_is_another_folder(cache, key, tmp_path):
    other = FeatureCache.open(tmp_path / "features", key.model_copy(update={"mode": "fast"}))
    cache.add(FEATURES)
    assert not other.load().features


def test_a_full_disk_is_said_and_leaves_no_half_file(cache, monkeypatch):
    def full(*arguments, **keywords):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(feature_cache.os, "fdopen", full)
    with pytest.raises(ValueError, match=r"No space left on device; free some space.*--no-cache"):
        cache.add(FEATURES)
    assert [path.name for path in cache.folder.iterdir()] == [KEY_FILE]


def test_a_place_that_cannot_be_written_is_said(tmp_path, key):
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="expected to keep features in .* choose another folder"):
        FeatureCache.open(tmp_path / "file", key)


def test_a_tracklet_is_another_one_when_a_frame_changes(frames):
    one = Tracklet("a", 1, 1, tuple(frames))
    digest = tracklet_digest(one)
    assert tracklet_digest(Tracklet("a", 2, None, tuple(frames))) == digest
    assert tracklet_digest(Tracklet("b", 1, 1, tuple(frames))) != digest
    assert tracklet_digest(Tracklet("a", 1, 1, tuple(frames[::-1]))) != digest
    before = frames[0].stat()
    frames[0].write_bytes(b"pixels and more")
    os.utime(frames[0], ns=(before.st_atime_ns, before.st_mtime_ns))
    longer = tracklet_digest(one)
    assert longer != digest
    frames[0].write_bytes(b"pixels")
    os.utime(frames[0], ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert tracklet_digest(one) not in {digest, longer}


def test_a_missing_frame_is_named(frames):
    frames[1].unlink()
    with pytest.raises(
        ValueError, match=r"expected a whole image at .*2\.jpg, received: .*replace"
    ):
        tracklet_digest(Tracklet("a", 1, 1, tuple(frames)))


def test_files_are_named_after_what_they_hold(cache):
    cache.add(FEATURES)
    (path,) = cache.folder.glob("*.safetensors")
    assert file_digest(path).sha256 == path.stem
