import pytest
import torch
from typer.testing import CliRunner

from model.registry import build_model
from model.weights import load_weights, open_network, save_weights
from tests.small_models import small_student
from tests.tiny_models import TINY_CNN, TINY_TRANSFORMER
from training.__main__ import app
from training.weight_average import average_weights


@pytest.fixture
def write_weights(tmp_path):
    def write(name, seed, **changes):
        torch.manual_seed(seed)
        network = build_model(small_student(cnn=TINY_CNN, transformer=TINY_TRANSFORMER, **changes))
        for buffer_name, buffer in network.named_buffers():
            if buffer_name.endswith("num_batches_tracked"):
                buffer.fill_(seed)
            elif buffer.is_floating_point():
                buffer.uniform_(0.5, 1.5)
        path = tmp_path / f"{name}.safetensors"
        save_weights(path, network)
        return path

    return write


def test_every_weight_lies_between_by_the_share(write_weights, tmp_path):
    first, second = write_weights("first", 1), write_weights("second", 2)
    average_weights(first, second, tmp_path / "new" / "mean.safetensors", share=0.25)
    mean, mine, theirs = (
        open_network(path).state_dict()
        for path in (tmp_path / "new" / "mean.safetensors", first, second)
    )
    for name, value in mean.items():
        if value.is_floating_point():
            torch.testing.assert_close(value, 0.75 * mine[name] + 0.25 * theirs[name])
        else:
            assert torch.equal(value, mine[name]), name
    assert any(not torch.equal(mine[name], theirs[name]) for name in mine)
    assert mean.keys() == mine.keys()


def test_the_average_of_weights_with_themselves_is_the_weights(write_weights, tmp_path):
    first = write_weights("first", 1)
    clips = torch.rand(1, 2, 3, 64, 32)
    averaged = average_weights(first, first, tmp_path / "mean.safetensors", share=0.5)
    with torch.inference_mode():
        parts, expected = averaged(clips).parts, open_network(first)(clips).parts
    for name, part in parts.items():
        torch.testing.assert_close(part, expected[name])


def test_weights_of_another_input_size_are_resized_to_the_firsts(write_weights, tmp_path):
    first, second = write_weights("first", 1), write_weights("second", 2, height=128, width=64)
    averaged = average_weights(first, second, tmp_path / "mean.safetensors", share=0.5)
    assert (averaged.config.height, averaged.config.width) == (64, 32)
    resized = build_model(averaged.config)
    load_weights(second, resized)
    name = "transformer.network.pos_embed"
    expected = (open_network(first).state_dict()[name] + resized.state_dict()[name]) / 2
    torch.testing.assert_close(averaged.state_dict()[name], expected)


@pytest.mark.parametrize("share", [-0.1, 0.0, 1.0, float("nan")])
def test_a_share_out_of_range_is_refused(write_weights, tmp_path, share):
    first = write_weights("first", 1)
    with pytest.raises(
        ValueError, match=r"expected a share .* between 0 and 1, received .*; 0 and"
    ):
        average_weights(first, first, tmp_path / "mean.safetensors", share=share)
    assert not (tmp_path / "mean.safetensors").exists()


def test_another_model_is_refused_by_what_differs_and_nothing_is_written(write_weights, tmp_path):
    first, second = write_weights("first", 1), write_weights("second", 2, cnn_last_stride=2)
    output = tmp_path / "new" / "mean.safetensors"
    done = CliRunner().invoke(app, ["average", str(first), str(second), str(output)])
    assert done.exit_code == 1
    said = " ".join(done.output.split())
    assert "expected weights of the same model" in said
    assert "model.cnn_last_stride; only runs of one architecture have an average" in said
    assert not output.parent.exists()


def test_the_command_says_what_it_wrote(write_weights, tmp_path):
    first, second = write_weights("first", 1), write_weights("second", 2)
    output = tmp_path / "mean.safetensors"
    arguments = ["average", str(first), str(second), str(output), "--share", "0.5"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert "64×32" in done.stdout
    assert open_network(output).config == open_network(first).config
