import pytest
import torch
from pydantic import ValidationError

from model.dcct import DCCT, DCCTConfig
from model.features import embedding


@pytest.fixture(scope="module")
def clips():
    return torch.randn(2, 3, 3, 64, 32, generator=torch.Generator().manual_seed(1))


def test_shapes_of_every_output(small_network, clips):
    features = small_network(clips)
    assert list(features.parts) == ["cnn", "transformer"]
    assert small_network.part_dimensions == {"cnn": 1280, "transformer": 192}
    for name, dimension in small_network.part_dimensions.items():
        assert features.frame_globals[name].shape == (2, 3, dimension)
        assert features.frame_features[name].shape == (2, 3, dimension)
        assert features.parts[name].shape == (2, dimension)
    assert embedding(features.parts).shape == (2, 1472)


def test_the_light_pair_at_full_size_has_the_parameters_of_the_specification():
    network = DCCT(DCCTConfig())
    count = {
        name: sum(p.numel() for p in getattr(network, name).parameters())
        for name in ("cnn", "transformer", "necks")
    }
    assert count == {"cnn": 2_223_872, "transformer": 5_511_360, "necks": 2 * 1472}


def test_the_grids_of_the_light_pair_at_full_size():
    network = DCCT(DCCTConfig()).eval()
    frames = torch.zeros(1, 3, 256, 128)
    with torch.inference_mode():
        assert network.cnn(frames).shape == (1, 1280, 8, 4)
        assert network.transformer(frames).patches.shape == (1, 128, 192)
        assert network.transformer(frames).class_token.shape == (1, 192)


def test_a_batch_equals_its_tracklets_one_by_one(small_network, clips):
    with torch.inference_mode():
        together = embedding(small_network(clips).parts)
        alone = torch.cat([embedding(small_network(clip[None]).parts) for clip in clips])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)


def test_the_order_of_frames_does_not_matter_to_average_pooling(small_network, clips):
    with torch.inference_mode():
        forward = embedding(small_network(clips).parts)
        backward = embedding(small_network(clips.flip(1)).parts)
    torch.testing.assert_close(forward, backward, atol=1e-5, rtol=0)


def test_forward_leaves_nothing_behind(small_network, clips):
    with torch.inference_mode():
        first = embedding(small_network(clips).parts)
        small_network(clips * 3)
        again = embedding(small_network(clips).parts)
    torch.testing.assert_close(first, again, atol=0, rtol=0)


def test_both_branches_receive_gradient():
    network = DCCT(DCCTConfig(height=64, width=32))
    features = network(torch.randn(2, 2, 3, 64, 32))
    embedding(features.parts)[0, ::7].sum().backward()
    for branch in (network.cnn, network.transformer):
        assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in branch.parameters())


def test_the_transformer_global_is_the_class_token_or_the_mean_of_patches(clips):
    torch.manual_seed(0)
    cls = DCCT(DCCTConfig(height=64, width=32)).eval()
    gap = DCCT(DCCTConfig(height=64, width=32, transformer_global="gap")).eval()
    gap.load_state_dict(cls.state_dict())
    frames = clips.flatten(0, 1)
    with torch.inference_mode():
        tokens = cls.transformer(frames)
        torch.testing.assert_close(cls.frame_globals(frames)["transformer"], tokens.class_token)
        torch.testing.assert_close(gap.frame_globals(frames)["transformer"], tokens.patches.mean(1))


@pytest.mark.parametrize("wrong", [{"height": 100}, {"drop_path": 1.0}, {"widht": 128}])
def test_an_impossible_configuration_is_refused(wrong):
    with pytest.raises(ValidationError):
        DCCTConfig(**wrong)
