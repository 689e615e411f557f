import pytest

from training.layered_yaml import read_layered_yaml, with_changes


@pytest.fixture
def write(tmp_path):
    def writer(name, text):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    return writer


def test_the_extending_file_wins_key_by_key(write):
    write("base.yaml", "seed: 1\nmodel: {kind: dcct, hta: {depth: 2, activation: relu}}\n")
    path = write("rows/row.yaml", "extends: ../base.yaml\nmodel: {hta: {depth: 3}}\n")
    assert read_layered_yaml(path) == {
        "seed": 1,
        "model": {"kind": "dcct", "hta": {"depth": 3, "activation": "relu"}},
    }


def test_a_list_or_nothing_replaces_what_was_below(write):
    write("base.yaml", "parts: [a, b]\nlosses: {distillation: {temperature: 2}}\n")
    path = write("row.yaml", "extends: base.yaml\nparts: [c]\nlosses: {distillation: null}\n")
    assert read_layered_yaml(path) == {"parts": ["c"], "losses": {"distillation": None}}


def test_layers_go_on_below_layers(write):
    write("a.yaml", "x: 1\ny: 1\nz: 1\n")
    write("b.yaml", "extends: a.yaml\ny: 2\nz: 2\n")
    assert read_layered_yaml(write("c.yaml", "extends: b.yaml\nz: 3\n")) == {
        "x": 1, "y": 2, "z": 3,
    }  # fmt: skip


def test_a_file_that_extends_itself_is_refused(write):
    write("a.yaml", "extends: b.yaml\n")
    with pytest.raises(ValueError, match="which comes back to .*b.yaml; remove one `extends`"):
        read_layered_yaml(write("b.yaml", "extends: a.yaml\n"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "(?s)expected YAML in .*correct the file"),
        ("a: 1\nb: 2\na: 3", "(?s)expected YAML in .*received: the key 'a' twice.*line 3"),
        ("s: {a: {b: 1, b: 2}}", "(?s)expected YAML in .*received: the key 'b' twice"),
        ("", "expected a YAML mapping in .*, received NoneType"),
        ("- a", "expected a YAML mapping in .*, received list"),
        ("extends: gone.yaml", "expected a configuration at .*gone.yaml, received No such file"),
    ],
)
def test_what_is_no_configuration_is_refused_by_name(write, text, message):
    with pytest.raises(ValueError, match=message):
        read_layered_yaml(write("a.yaml", text))


def test_changes_are_written_over_what_was_read():
    content = {"seed": 0, "optimizer": {"name": "sgd", "epochs": 50}}
    changed = with_changes(content, ["optimizer.epochs=10", "data.split=split-02", "seed=null"])
    assert changed == {
        "seed": None,
        "optimizer": {"name": "sgd", "epochs": 10},
        "data": {"split": "split-02"},
    }
    assert content["seed"] == 0


@pytest.mark.parametrize("change", ["seed", "=1", "optimizer.=1"])
def test_a_change_needs_a_key_and_a_value(change):
    with pytest.raises(ValueError, match="expected a change `section.key=value`, received '"):
        with_changes({}, [change])


def test_a_change_has_to_be_yaml():
    with pytest.raises(
        ValueError, match="(?s)expected YAML behind `=`, received 'seed=\\['.*quote"
    ):
        with_changes({}, ["seed=["])
