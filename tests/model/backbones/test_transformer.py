import pytest
import torch

from model.backbones.transformer import TransformerBackbone


def test_tokens_are_split_into_class_token_and_patches():
    backbone = TransformerBackbone(
        "deit_tiny_patch16_224", size=(64, 48), drop_path=0.0, pretrained=False
    ).eval()
    with torch.inference_mode():
        tokens = backbone(torch.zeros(2, 3, 64, 48))
    assert backbone.grid == (4, 3)
    assert tokens.class_token.shape == (2, 192)
    assert tokens.patches.shape == (2, 12, 192)


def test_a_transformer_without_class_token_is_refused():
    with pytest.raises(ValueError, match="expected a Transformer with one class token, received"):
        TransformerBackbone(
            "vit_base_patch16_siglip_224", size=(64, 32), drop_path=0.0, pretrained=False
        )
