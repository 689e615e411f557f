import pytest

from training.data.catalogue import CATALOGUE, known_data_set, read_data_set


def test_an_unknown_name_lists_the_known_ones_and_the_nearest(tmp_path):
    with pytest.raises(ValueError, match=r"expected a data set of \[.*'market1501', 'mars'"):
        read_data_set("marks", tmp_path)
    with pytest.raises(ValueError, match="received 'market-1501'; did you mean 'market1501'?"):
        known_data_set("market-1501")
    with pytest.raises(ValueError, match="received 'x'; choose one of them"):
        known_data_set("x")


@pytest.mark.parametrize("name", CATALOGUE)
@pytest.mark.parametrize("kind", ["nothing at all", "a file", "an empty folder", "a folder of x"])
def test_every_reader_says_what_it_found_at_a_wrong_root(name, kind, tmp_path):
    root = tmp_path / "root"
    if kind == "a file":
        root.touch()
    elif kind != "nothing at all":
        root.mkdir()
    if kind == "a folder of x":
        (root / "x").mkdir()
    with pytest.raises(ValueError, match=f"expected .* received {kind}; set the root"):
        read_data_set(name, root)


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_data_set_shows_its_tree(name):
    assert CATALOGUE[name].expected_tree.count("\n") >= 3
