import pytest

from model.registry import build_model
from tests.tiny_models import tiny_dcct
from training.evaluation import feature_key
from training.evaluation.clip_embedders import NetworkEmbedder
from training.evaluation.feature_key import FeatureKey, code_digest


@pytest.fixture(scope="module")
def network():
    return build_model(tiny_dcct(spatial="gap", temporal="tap"))


def key_of(network, *, weights="0" * 64, mode="dense", precision="fp32"):
    embedder = NetworkEmbedder(network, weights_sha256=weights, precision=precision)
    return FeatureKey.of(embedder, mode)


def test_the_key_depends_on_all_that_decides_features(network):
    keys = [
        key_of(network),
        key_of(network, weights="1" * 64),
        key_of(network, mode="fast"),
        key_of(network, precision="bf16"),
        key_of(build_model(tiny_dcct())),
        key_of(build_model(tiny_dcct(spatial="gap", temporal="tap", height=96))),
    ]
    assert len({key.digest() for key in keys}) == len(keys)
    assert key_of(network).digest() == keys[0].digest()


def test_the_key_depends_on_the_source(monkeypatch, tmp_path):
    before = code_digest()
    changed = tmp_path / "embed.py"
    changed.write_text("# another way")
    monkeypatch.setattr(feature_key, "_SOURCES", (*feature_key._SOURCES, changed))
    code_digest.cache_clear()
    try:
        assert code_digest() != before
    finally:
        code_digest.cache_clear()


def test_every_source_exists():
    assert all(path.is_file() for path in feature_key._SOURCES)
