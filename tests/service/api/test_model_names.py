from types import SimpleNamespace

import pytest

from service.api.model_names import require_served
from service.errors import ModelNotFound

SERVED = SimpleNamespace(
    manifest=SimpleNamespace(
        model=SimpleNamespace(name="dcct-light", version="3", fingerprint="f" * 64)
    )
)


@pytest.mark.parametrize("name", ["dcct-light", "reid", "f" * 64])
@pytest.mark.parametrize("version", [None, "3"])
def test_the_served_model_has_three_names(name, version):
    require_served(SERVED, name, version)


@pytest.mark.parametrize(
    ("name", "version", "received"),
    [
        ("other", None, "'other'"),
        ("dcct-light", "2", "'dcct-light version 2'"),
        ("", None, "''"),
        ("Reid", None, "'Reid'"),
        ("x" * 99, None, repr("x" * 80)),
    ],
)
def test_another_one_is_not_found(name, version, received):
    with pytest.raises(ModelNotFound) as caught:
        require_served(SERVED, name, version)
    assert str(caught.value) == (
        "expected model 'dcct-light' version '3', or 'reid' for whatever is served, "
        f"received {received}; GET /model says what is served"
    )
