import shutil

from typer.testing import CliRunner

from training.__main__ import app
from training.data.catalogue import read_data_set


def run(*arguments):
    return CliRunner().invoke(app, ["data", "manifest", *map(str, arguments)])


def test_a_known_data_set_becomes_a_manifest_and_a_manifest_another(drawn_root, tmp_path):
    shutil.copytree(drawn_root, tmp_path / "market")
    first, second = tmp_path / "drawn.csv", tmp_path / "drawn.parquet"
    result = run("market1501", tmp_path / "market", first)
    assert result.exit_code == 0
    assert result.stdout == f"{first}: 72 frames of split folder\n"
    expected = read_data_set("market1501", tmp_path / "market").split().train
    assert read_data_set("manifest", first).split().train == expected
    assert run("manifest", first, second, "--split", "general").exit_code == 0
    assert read_data_set("manifest", second).split().train == expected


def test_what_is_wrong_is_said_in_red_and_not_traced(drawn_root, tmp_path):
    result = run("market1501", drawn_root, tmp_path / "elsewhere.csv")
    assert result.exit_code == 1
    assert "write the manifest to a folder above all frames" in " ".join(result.stderr.split())
    assert "expected a split of market1501 out of ['folder']" in " ".join(
        run("market1501", drawn_root, tmp_path / "m.csv", "--split", "x").stderr.split()
    )
