import torch

from model.layers.bnneck import BNNeck


def test_rows_of_all_frames_are_normalised_together():
    neck = BNNeck(4)
    features = torch.randn(6, 5, 4) * 3 + 2
    necked = neck(features)
    torch.testing.assert_close(necked.mean((0, 1)), torch.zeros(4), atol=1e-5, rtol=0)
    torch.testing.assert_close(necked, neck(features.flatten(0, 1)).reshape(6, 5, 4))


def test_the_bias_is_frozen_at_zero_and_the_weight_learns():
    neck = BNNeck(4)
    assert not neck.norm.bias.requires_grad
    assert neck.norm.weight.requires_grad
    assert neck.norm.bias.eq(0).all()
    assert neck.norm.weight.eq(1).all()


def test_pooling_commutes_with_the_neck_in_evaluation():
    neck = BNNeck(4)
    neck(torch.randn(50, 4) * 2 + 1)
    neck.eval()
    frames = torch.randn(3, 7, 4)
    torch.testing.assert_close(neck(frames).mean(1), neck(frames.mean(1)))
