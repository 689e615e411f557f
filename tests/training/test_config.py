import tomllib
from pathlib import Path

import pytest

from tests.shipped_configs import CONFIGS_FOLDER, SHIPPED_CONFIGS
from training.config import load_config, override_paths

CONFIGS = [path for path in SHIPPED_CONFIGS if path.parent == CONFIGS_FOLDER]


@pytest.fixture
def write(tmp_path):
    def writer(text):
        path = tmp_path / "config.yaml"
        path.write_text(text)
        return path

    return writer


MINIMAL = "run_dir: runs/a\ndata: {name: market1501, root: here}\n"


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_shipped_configuration_loads(path):
    config = load_config(path)
    assert config.run_dir == Path("runs") / path.stem


def test_there_are_shipped_configurations():
    assert CONFIGS


def test_every_configuration_is_part_of_the_package():
    declared = tomllib.loads(Path("pyproject.toml").read_text())["tool"]["setuptools"]
    patterns = declared["package-data"]["training"]
    packed = {path for pattern in patterns for path in Path("training").glob(pattern)}
    assert {path for path in packed if path.suffix == ".yaml"} == set(
        Path("training").rglob("*.yaml")
    )


def test_defaults_are_the_papers(write):
    config = load_config(write(MINIMAL))
    assert (config.optimizer.name, config.optimizer.epochs) == ("sgd", 50)
    assert (config.clips.identities, config.clips.tracklets, config.clips.frames) == (8, 2, 8)
    assert (config.losses.triplet.margin, config.losses.label_smoothing) == (0.3, 0.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (MINIMAL + "sead: 3", "sead: unknown key; did you mean 'seed'?"),
        (MINIMAL + "optimizer: {learning_rat: 1}", "did you mean 'learning_rate'?"),
        (
            "run_dir: a\ndata: {name: mars, root: b, drawn: {sead: 1}}",
            "data.drawn.sead: unknown key; did you mean 'seed'?",
        ),
        (
            "run_dir: a\ndata: {name: mars, root: b, also: [{name: mars, root: c, splt: x}]}",
            "data.also.0.splt: unknown key; did you mean 'split'?",
        ),
        ("run_dir: a\ndata: {name: marz, root: b}", "received 'marz'; did you mean 'mars'?"),
        (MINIMAL + "zzz: 3", "zzz: unknown key; known keys are"),
        (MINIMAL + "seed: -1", "seed: .* received -1"),
        (MINIMAL + "optimizer: {epochs: 0}", "optimizer.epochs: .* received 0"),
        ("run_dir: a", "data: Field required"),
        (
            MINIMAL + "model: {kind: dcct, pretrained: true}\ninitial_weights: a",
            "\n  expected initial_weights, or pretrained or local .* received both; drop one$",
        ),
        (
            MINIMAL + "model: {kind: dcct, cnn_weights: b}\ninitial_weights: a",
            "\n  expected initial_weights, or pretrained or local .* received both; drop one$",
        ),
        (MINIMAL + "model: {kind: grrl}", "model.kind: expected one of .*'grl'.*, received grrl"),
        (MINIMAL + "model: {height: 64}", "model.kind: expected one of .*'grl'.*, received none"),
        (MINIMAL + "model: {kind: dcct, hta: {dept: 1}}", "hta.dept: .* did you mean 'depth'?"),
        (MINIMAL + "model: {kind: nvan, stripe: 1}", "stripe: unknown key; did you mean 'stripes'"),
        (
            MINIMAL + "losses: {distillation: {logistic_weight: 0, feature_weight: 0}}",
            "expected a positive logistic_weight or feature_weight, received 0 for both; leave",
        ),
        (
            MINIMAL + "model: {kind: dcct, temporal: tap}\nlosses: {distillation: {}}",
            "expected a DCCT with temporal hta or lstm for .*, received dcct of .*; leave",
        ),
        (
            MINIMAL + "model: {kind: nvan}\nlosses: {distillation: {}}",
            "expected a DCCT with temporal hta or lstm for .*, received nvan at 256×128; leave",
        ),
        (
            MINIMAL + "losses: {distillation: {}, unsupervised_parts: [final]}",
            "expected the final part to be supervised, .* remove it there",
        ),
        (
            MINIMAL + "losses: {distillation: {}, unsupervised_parts: [cca_cnn, cnn]}",
            r"expected every branch to be supervised, .* received \['cnn'\] in .* to 0",
        ),
        (
            MINIMAL + "compile: true\noptimizer: {accumulate: 2}",
            "expected compile or optimizer.accumulate, received both: .*; leave one of them out",
        ),
        (
            MINIMAL + "freezing: {epochs: 2}",
            "expected freezing.modules beside freezing.epochs, received 2 epochs of none; name",
        ),
        (
            MINIMAL + "model: {kind: nvan}\nlosses: {grl: {}}",
            "expected model.kind grl for losses.grl, received nvan at 256×128; leave losses.grl",
        ),
        (MINIMAL + "losses: {triplet: {margins: 1}}", "margins: unknown key; .* 'margin'"),
        ("a: [", "expected YAML in"),
        ("", "expected a YAML mapping"),
    ],
)
def test_a_wrong_configuration_says_what_is_wrong(write, text, message):
    with pytest.raises(ValueError, match=message):
        load_config(write(text))


def test_a_missing_file_says_where_shipped_ones_are(tmp_path):
    with pytest.raises(ValueError, match="shipped ones are in training/configs"):
        load_config(tmp_path / "none.yaml")


def test_only_given_paths_are_overridden(write):
    config = load_config(write(MINIMAL))
    changed = override_paths(config, root=Path("there"), run_dir=None)
    assert (changed.data.root, changed.run_dir) == (Path("there"), Path("runs/a"))
    assert override_paths(config, root=None, run_dir=Path("b")).data == config.data
