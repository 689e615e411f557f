import pytest

from tests.artifact_factory import write_tiny_artifact


@pytest.fixture(scope="module")
def artifact(tmp_path_factory):
    """The directory of a model that answers at once."""
    directory = tmp_path_factory.mktemp("artifact")
    write_tiny_artifact(directory)
    return directory
