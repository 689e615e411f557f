import pytest
import torch

from model.backbones.cnn import CnnBackbone


def test_the_map_has_the_declared_channels_at_a_thirtysecond_of_the_size():
    backbone = CnnBackbone("mobilenetv2_100", pretrained=False).eval()
    with torch.inference_mode():
        feature_map = backbone(torch.zeros(2, 3, 96, 64))
    assert feature_map.shape == (2, backbone.dimension, 3, 2)


def test_a_transformer_is_no_cnn():
    with pytest.raises(ValueError, match=r"expected a CNN that ends in a map \[f, c, h, w\]"):
        CnnBackbone("deit_tiny_patch16_224", pretrained=False)


def test_an_unknown_name_suggests_known_ones():
    with pytest.raises(ValueError, match="received 'mobilenetv2_10'; did you mean one of .*_100"):
        CnnBackbone("mobilenetv2_10", pretrained=False)


def test_finding_the_channels_leaves_the_statistics_alone():
    network = CnnBackbone("mobilenetv2_100", pretrained=False).network
    assert network.training
    assert network.bn1.running_mean.eq(0).all()
