import pytest

from training.data.data_config import DataConfig
from training.data.catalogue import READERS, read_tracklets


def test_every_configurable_data_set_has_a_reader():
    assert set(DataConfig.model_fields["name"].annotation.__args__) == set(READERS)


def test_an_unknown_name_lists_the_known_ones(tmp_path):
    with pytest.raises(ValueError, match=r"expected a data set of \['market1501', 'mars'\]"):
        read_tracklets("marks", tmp_path)
