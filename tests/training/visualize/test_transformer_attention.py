import pytest
import torch

from model.backbones.transformer import TransformerBackbone
from training.visualize.transformer_attention import attend_by_block, rollout, rollout_maps

SIZE = (64, 32)


def backbone(name="test_vit"):
    torch.manual_seed(0)
    return TransformerBackbone(name, size=SIZE, drop_path=0.0).eval()


def frames(count=3):
    return torch.randn(count, 3, *SIZE, generator=torch.Generator().manual_seed(1))


def random_attention(blocks=3, tokens=5):
    generator = torch.Generator().manual_seed(2)
    return [torch.randn(2, 4, tokens, tokens, generator=generator).softmax(-1)] * blocks


@pytest.mark.parametrize("name", ["test_vit", "test_vit2", "test_vit3", "test_vit4"])
@torch.inference_mode()
def test_blocks_run_in_the_open_give_what_the_network_gives(name):
    transformer = backbone(name)
    seen, whole = attend_by_block(transformer, frames()), transformer(frames())
    patches = seen.tokens[:, -whole.patches.shape[1] :]
    torch.testing.assert_close(patches, whole.patches, atol=1e-5, rtol=0)
    if whole.class_token is not None:
        torch.testing.assert_close(seen.tokens[:, 0], whole.class_token, atol=1e-5, rtol=0)


@torch.inference_mode()
def test_attention_of_every_block_is_a_distribution_over_tokens():
    seen = attend_by_block(backbone(), frames())
    tokens = seen.tokens.shape[1]
    for attention in seen.blocks:
        assert attention.shape[2:] == (tokens, tokens)
        torch.testing.assert_close(attention.sum(-1), torch.ones(attention.shape[:3]))


@torch.inference_mode()
def test_native_normalization_is_applied_as_the_network_applies_it():
    torch.manual_seed(0)
    name = "vit_tiny_patch16_224.augreg_in21k_ft_in1k"
    transformer = TransformerBackbone(name, size=SIZE, drop_path=0.0, native_normalization=True)
    assert transformer.renormalize is not None
    seen = attend_by_block(transformer.eval(), frames())
    expected = transformer(frames()).class_token
    torch.testing.assert_close(seen.tokens[:, 0], expected, atol=1e-5, rtol=0)


@torch.inference_mode()
def test_attention_that_differs_from_the_blocks_own_is_refused():
    transformer = backbone()
    layer = transformer.network.blocks[1].attn
    layer.scale = layer.scale * 9  # only fused kernels keep the old scale
    with pytest.raises(ValueError, match=r"weights of block 1 to give what the block gives") as no:
        attend_by_block(transformer, frames())
    assert "a way this figure does not know" in str(no.value)


@torch.inference_mode()
def test_windows_that_shift_and_merge_are_refused():
    transformer = TransformerBackbone(
        "swin_tiny_patch4_window7_224", size=(224, 224), drop_path=0.0
    )
    with pytest.raises(ValueError, match="rollout is not defined over windows that shift"):
        attend_by_block(transformer.eval(), torch.zeros(1, 3, 224, 224))


@torch.inference_mode()
def test_blocks_of_another_kind_are_refused():
    transformer = backbone()
    transformer.network.blocks[0] = torch.nn.Identity()
    with pytest.raises(ValueError, match="received Identity as block 0"):
        attend_by_block(transformer, frames())


def test_rollout_equals_the_product_written_out():
    blocks = random_attention()
    expected = torch.eye(5)
    for attention in blocks:
        expected = (0.5 * attention[1].mean(0) + 0.5 * torch.eye(5)) @ expected
    torch.testing.assert_close(rollout(blocks)[1], expected)


def test_later_blocks_multiply_from_the_left():
    first, second = (torch.zeros(1, 1, 3, 3) for _ in range(2))
    first[..., 2], second[..., 1] = 1, 1  # first copies token 2 everywhere, then second copies 1
    # Token 0 asks 1 in the second block, which had asked 2 in the first.
    torch.testing.assert_close(rollout([first, second])[0, 0], torch.tensor([0.25, 0.25, 0.5]))


def test_rollout_rows_sum_to_one():
    torch.testing.assert_close(rollout(random_attention()).sum(-1), torch.ones(2, 5))


def test_rollout_of_no_blocks_is_refused():
    with pytest.raises(ValueError, match="at least one block, received none"):
        rollout([])


@pytest.mark.parametrize("class_token", [True, False])
@torch.inference_mode()
def test_uniform_attention_rolls_out_evenly_over_the_patches(class_token):
    transformer = backbone() if class_token else without_class_token()
    for block in transformer.network.blocks:
        block.attn.qkv.weight.zero_()
        block.attn.qkv.bias.zero_()
    maps = rollout_maps(transformer, frames())
    assert maps.shape == (3, *transformer.grid)
    torch.testing.assert_close(maps, torch.full_like(maps, 1 / maps[0].numel()))


def without_class_token():
    transformer = backbone("test_vit")
    network = transformer.network
    network.cls_token, network.num_prefix_tokens = None, 0
    network.pos_embed = torch.nn.Parameter(network.pos_embed[:, 1:])
    transformer.has_class_token, transformer._prefix_tokens = False, 0
    return transformer


@torch.inference_mode()
def test_maps_sum_to_one_and_a_batch_is_its_frames_one_by_one():
    transformer = backbone()
    maps = rollout_maps(transformer, frames())
    torch.testing.assert_close(maps.sum((1, 2)), torch.ones(3))
    singles = torch.cat([rollout_maps(transformer, frame[None]) for frame in frames()])
    torch.testing.assert_close(maps, singles)


@torch.inference_mode()
def test_without_a_class_token_the_map_is_the_mean_of_the_patches_rows():
    transformer = without_class_token()
    rolled = rollout(attend_by_block(transformer, frames()).blocks)
    maps = rollout_maps(transformer, frames())
    torch.testing.assert_close(maps.flatten(1), rolled.mean(dim=1))
    assert transformer.grid == (4, 2)


@torch.inference_mode()
def test_with_a_class_token_the_map_is_its_row_without_itself():
    transformer = backbone()
    asked = rollout(attend_by_block(transformer, frames()).blocks)[:, 0, 1:]
    maps = rollout_maps(transformer, frames())
    torch.testing.assert_close(maps.flatten(1), asked / asked.sum(1, keepdim=True))
