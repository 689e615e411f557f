import pytest

from service.artifact_choice import chosen_artifact
from service.errors import InvalidInput
from service.settings import Settings


@pytest.fixture
def root(tmp_path):
    for name in ("models/one", "models/two", "elsewhere"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "models/file").write_text("no directory")
    (tmp_path / "models/out").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "models/current").symlink_to(tmp_path / "models/two")
    return tmp_path


def chosen(root, asked, **settings):
    return chosen_artifact(Settings(artifact_dir=root / "models/one", **settings), asked)


def test_without_a_wish_it_is_that_of_the_settings_with_links_followed(root):
    assert chosen(root, None) == root / "models/one"
    linked = Settings(artifact_dir=root / "models/current")
    assert chosen_artifact(linked, None) == root / "models/two"


@pytest.mark.parametrize("asked", ["two", "./two", "one/../two", "current"])
def test_a_path_goes_from_the_root_on(root, asked):
    assert chosen(root, asked) == root / "models/two"


def test_an_absolute_path_below_the_root_is_taken(root):
    assert chosen(root, str(root / "models/two")) == root / "models/two"


def test_the_root_is_where_the_settings_say(root):
    assert chosen(root, "elsewhere", artifact_root=root) == root / "elsewhere"


@pytest.mark.parametrize(
    "asked",
    ["../elsewhere", "out", "file", "none", "/", "/etc", "a\0b", "x" * 5000],
    ids=["above", "a link out", "a file", "missing", "all", "absolute", "zero byte", "long"],
)
def test_whatever_is_elsewhere_or_no_directory_is_refused_in_the_same_words(root, asked):
    with pytest.raises(InvalidInput) as caught:
        chosen(root, asked)
    assert caught.value.expected == "`artifact_dir` of a directory below REID_ARTIFACT_ROOT"
    assert caught.value.received == repr(asked)[:100]
    assert caught.value.remedy == "copy the artifact there, or name one that is there"
