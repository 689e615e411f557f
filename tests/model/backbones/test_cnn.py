import torch

from model.backbones.cnn import CnnBackbone


def test_the_map_has_the_declared_channels_at_a_thirtysecond_of_the_size():
    backbone = CnnBackbone("mobilenetv2_100", pretrained=False).eval()
    with torch.inference_mode():
        feature_map = backbone(torch.zeros(2, 3, 96, 64))
    assert feature_map.shape == (2, backbone.dimension, 3, 2)
