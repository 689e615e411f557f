import pytest

from model.dcct import DCCT, DCCTConfig
from model.registry import MODELS, build_model


def test_every_registered_model_builds_from_its_defaults():
    assert list(MODELS) == ["dcct"]
    assert isinstance(build_model(DCCTConfig(height=64, width=32)), DCCT)


def test_an_unknown_kind_is_named():
    with pytest.raises(ValueError, match=r"expected a model kind of \['dcct'\], received 'grl'"):
        build_model(DCCTConfig().model_copy(update={"kind": "grl"}))
