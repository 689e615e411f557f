import pytest

from training.data.data_set import DataSet, Split


def test_a_split_is_found_by_name_and_the_first_is_the_default():
    data_set = DataSet("some", (Split("split-01", train=()), Split("split-02", train=())))
    assert data_set.split().name == "split-01"
    assert data_set.split("split-02").name == "split-02"
    with pytest.raises(ValueError, match=r"out of \['split-01', 'split-02'\], received 'split-3'"):
        data_set.split("split-3")
