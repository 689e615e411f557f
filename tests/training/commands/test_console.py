import pytest
from typer.testing import CliRunner

from training.__main__ import app


@pytest.mark.parametrize(
    ("command", "reads", "said"),
    [
        ("train", "training.config.load_config", "goes on from the last checkpoint"),
        ("evaluate", "training.data.catalogue.read_data_set", None),
    ],
)
def test_only_training_that_is_interrupted_promises_to_go_on(
    monkeypatch, tmp_path, command, reads, said
):
    def interrupted(*_arguments, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(reads, interrupted)
    arguments = [command, str(tmp_path / "file")]
    if command == "evaluate":
        arguments += ["--data", "mars", "--root", str(tmp_path)]
    finished = CliRunner().invoke(app, arguments)
    assert finished.exit_code == 130
    told = " ".join(finished.stderr.split())
    assert told.startswith("interrupted")
    assert ("checkpoint" in told) == (said is not None)
    assert said is None or said in told
