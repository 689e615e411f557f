import pytest
import torch

from model.backbones.timm_network import (
    build_network,
    integer_attribute,
    native_renormalization,
    output_shape,
    patch_grid,
    patch_size,
)


@pytest.mark.parametrize(
    ("name", "size", "frames"),
    [("test_resnet", None, (96, 64)), ("test_vit", (64, 32), (64, 32))],
)
def test_the_shape_without_content_is_the_shape_with_it(name, size, frames):
    network = build_network(name, size=size).eval()
    with torch.inference_mode():
        assert output_shape(network, frames) == network(torch.zeros(1, 3, *frames)).shape


def test_asking_for_the_shape_leaves_the_network_as_it_was():
    network = build_network("test_resnet")
    before = {name: value.clone() for name, value in network.state_dict().items()}
    output_shape(network, (64, 64))
    assert network.training
    for name, value in network.state_dict().items():
        torch.testing.assert_close(value, before[name], atol=0, rtol=0)


def test_the_shape_of_a_network_in_training_is_that_in_evaluation():
    """Batch normalisation cannot learn from the single cell that a small frame leaves."""
    network = build_network("test_resnet").train()
    assert output_shape(network, (32, 32))[2:] == (1, 1)


def test_a_size_that_the_network_refuses_is_named():
    with torch.device("meta"):
        network = build_network("deit_tiny_patch16_224", size=(64, 32))
    with pytest.raises(
        ValueError,
        match=r"expected a network that takes frames of 64×64 pixels, received a refusal: .*width",
    ):
        output_shape(network, (64, 64))


def test_an_unknown_name_suggests_known_ones():
    with pytest.raises(ValueError, match="received 'mobilenetv2_10'; did you mean one of .*_100"):
        build_network("mobilenetv2_10")


def test_an_unknown_tag_of_weights_suggests_known_ones():
    with pytest.raises(
        ValueError,
        match=r"expected a tag of weights that timm knows for resnet18, received 'resnet18.mine'; "
        r"choose one of \['resnet18.a1_in1k'",
    ):
        build_network("resnet18.mine")


def test_a_network_without_an_input_size_is_no_transformer():
    with pytest.raises(
        ValueError,
        match="expected a Transformer, which is built for one input size, received 'test_resnet', "
        "which takes any; name it as the CNN",
    ):
        build_network("test_resnet", size=(64, 32))


def test_what_timm_refuses_to_build_is_refused_in_its_words():
    with pytest.raises(
        ValueError,
        match="expected a network that timm builds without pooling and classifier, received "
        "'deit_tiny_distilled_patch16_224', which refused: .*distill.*; choose another one",
    ):
        build_network("deit_tiny_distilled_patch16_224")


def test_stochastic_depth_reaches_the_blocks():
    network = build_network("test_vit", size=(64, 32), drop_path=0.3)
    assert network.blocks[-1].drop_path1.drop_prob == pytest.approx(0.3)


def test_patches_are_those_of_the_network_or_none():
    network = build_network("test_vit", size=(64, 32))
    assert (patch_size(network), patch_grid(network)) == ((16, 16), (4, 2))
    network = build_network("test_resnet")
    assert (patch_size(network), patch_grid(network)) == ((1, 1), (0, 0))
    assert integer_attribute(network, "num_prefix_tokens", otherwise=5) == 5


def test_only_weights_trained_with_another_normalisation_are_renormalised():
    assert native_renormalization(build_network("test_efficientnet")) is None
    renormalize = native_renormalization(build_network("test_vit"))
    black = -torch.tensor([0.485, 0.456, 0.406]) / torch.tensor([0.229, 0.224, 0.225])
    torch.testing.assert_close(renormalize(black.view(1, 3, 1, 1)), torch.full((1, 3, 1, 1), -1.0))
