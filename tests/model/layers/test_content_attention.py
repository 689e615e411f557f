import math
import re

import pytest
import torch

from model.layers.content_attention import ComplementaryContentAttention
from tests.gradient_probe import backward_through, untaught_parameters
from tests.parameter_count import all_parameters, profiled_parameters

DIMENSION, OTHER, TOKENS, FRAMES = 12, 8, 6, 3
ORDERS = ["folded", "projected"]
# Self head, cross head.
HEADS = [(True, True), (True, False), (False, True)]


def build(*, self_head=True, cross_head=True, order="folded", detached=True, hidden=10):
    torch.manual_seed(0)
    attention = ComplementaryContentAttention(
        DIMENSION,
        other_dimension=OTHER if cross_head else None,
        self_head=self_head,
        ffn_hidden=hidden,
        order=order,
        detach_cross_query=detached,
    ).double()
    # Norms that start at one and zero would hide a norm that was left out of the reference.
    torch.nn.init.normal_(attention.norm.weight)
    torch.nn.init.normal_(attention.norm.bias)
    return attention


@pytest.fixture
def tokens():
    generator = torch.Generator().manual_seed(1)
    return torch.randn(FRAMES, TOKENS, DIMENSION, dtype=torch.float64, generator=generator) * 2


@pytest.fixture
def other_global():
    generator = torch.Generator().manual_seed(2)
    return torch.randn(FRAMES, OTHER, dtype=torch.float64, generator=generator) * 2


def reference(attention, tokens, other_global):
    """The equations of spec §1.4, one frame and one head at a time."""
    rows, maps = [], {name: [] for name in attention.heads}
    for local, crossed in zip(tokens, other_global, strict=True):
        mean = local.mean(0)
        outputs = []
        for name, head in attention.heads.items():
            asked = head.query.weight @ {"self": mean, "cross": crossed}[name]
            hidden = DIMENSION // len(attention.heads)
            score = torch.exp((local @ head.key.weight.T) @ asked / math.sqrt(hidden))
            maps[name].append(score / score.sum())
            outputs.append(maps[name][-1] @ (local @ head.value.weight.T))
        u = torch.cat(outputs) + mean
        normal = (u - u.mean()) / torch.sqrt(u.var(unbiased=False) + attention.norm.eps)
        inner = attention.expand.weight @ (normal * attention.norm.weight + attention.norm.bias)
        rows.append(u + attention.contract.weight @ inner.clamp(min=0))
    return torch.stack(rows), {name: torch.stack(of_frames) for name, of_frames in maps.items()}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("self_head", "cross_head"), HEADS)
def test_both_orders_are_the_equations_written_out(
    order, self_head, cross_head, tokens, other_global
):
    attention = build(self_head=self_head, cross_head=cross_head, order=order)
    attended = attention(tokens, other_global if cross_head else None)
    features, maps = reference(attention, tokens, other_global)
    torch.testing.assert_close(attended.features, features)
    assert attended.maps.keys() == maps.keys()
    for name, rows in maps.items():
        torch.testing.assert_close(attended.maps[name], rows)


@pytest.mark.parametrize("detached", [True, False])
def test_folded_and_projected_orders_have_the_same_gradients(tokens, other_global, detached):
    gradients = []
    for order in ORDERS:
        attention = build(order=order, detached=detached)
        inputs = [tokens.clone().requires_grad_(), other_global.clone().requires_grad_()]
        attended = attention(*inputs)
        backward_through([attended.features, *attended.maps.values()])
        learned = {name: parameter.grad for name, parameter in attention.named_parameters()}
        gradients.append({**learned, "tokens": inputs[0].grad, "other": inputs[1].grad})
    folded, projected = gradients
    for name, gradient in folded.items():
        torch.testing.assert_close(gradient, projected[name], msg=lambda m, n=name: f"{n}: {m}")


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("self_head", "cross_head"), HEADS)
def test_attention_rows_are_positive_and_sum_to_one(
    order, self_head, cross_head, tokens, other_global
):
    attention = build(self_head=self_head, cross_head=cross_head, order=order)
    maps = attention(tokens, other_global if cross_head else None).maps
    assert list(maps) == ["self"] * self_head + ["cross"] * cross_head
    for rows in maps.values():
        assert rows.shape == (FRAMES, TOKENS)
        assert rows.gt(0).all()
        torch.testing.assert_close(rows.sum(1), torch.ones(FRAMES, dtype=torch.float64))


@pytest.mark.parametrize(("self_head", "cross_head"), HEADS)
def test_without_values_and_contraction_the_feature_is_the_mean_token(
    self_head, cross_head, tokens, other_global
):
    attention = build(self_head=self_head, cross_head=cross_head)
    for head in attention.heads.values():
        torch.nn.init.zeros_(head.value.weight)
    torch.nn.init.zeros_(attention.contract.weight)
    features = attention(tokens, other_global if cross_head else None).features
    torch.testing.assert_close(features, tokens.mean(1))


def test_a_single_token_gets_all_the_attention(tokens, other_global):
    for rows in build()(tokens[:, :1], other_global).maps.values():
        torch.testing.assert_close(rows, torch.ones(FRAMES, 1, dtype=torch.float64))


def test_the_order_of_tokens_moves_the_maps_and_not_the_features(tokens, other_global):
    attention, order = build(), torch.tensor([3, 0, 5, 1, 4, 2])
    straight, shuffled = attention(tokens, other_global), attention(tokens[:, order], other_global)
    torch.testing.assert_close(shuffled.features, straight.features)
    for name, rows in straight.maps.items():
        torch.testing.assert_close(shuffled.maps[name], rows[:, order])
        assert not torch.allclose(rows, rows[:, order])


def test_a_batch_of_frames_equals_its_frames_one_by_one(tokens, other_global):
    attention = build()
    alone = [attention(tokens[i : i + 1], other_global[i : i + 1]).features for i in range(FRAMES)]
    torch.testing.assert_close(attention(tokens, other_global).features, torch.cat(alone))


def test_a_cross_query_receives_gradient_only_where_it_is_not_detached(tokens, other_global):
    asked = other_global.clone().requires_grad_()
    backward_through([build(detached=True)(tokens.clone().requires_grad_(), asked).features])
    assert asked.grad is None
    backward_through([build(detached=False)(tokens, asked).features])
    assert asked.grad.abs().min() > 0


def test_tokens_receive_gradient_through_values_keys_and_mean(tokens, other_global):
    local = tokens.clone().requires_grad_()
    backward_through([build()(local, other_global).features])
    assert local.grad.abs().min() > 0


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("self_head", "cross_head"), HEADS)
def test_every_parameter_learns(order, self_head, cross_head, tokens, other_global):
    attention = build(self_head=self_head, cross_head=cross_head, order=order)
    backward_through([attention(tokens, other_global if cross_head else None).features])
    assert untaught_parameters(attention, noise=1e-9) == []


@pytest.mark.parametrize(("self_head", "cross_head"), HEADS)
def test_a_removed_head_leaves_its_width_to_the_other(self_head, cross_head):
    attention = build(self_head=self_head, cross_head=cross_head)
    hidden = DIMENSION // (self_head + cross_head)
    widths = {
        name: (head.query.in_features, head.query.out_features, head.value.out_features)
        for name, head in attention.heads.items()
    }
    queried = {"self": DIMENSION} if self_head else {}
    queried |= {"cross": OTHER} if cross_head else {}
    assert widths == {name: (query, hidden, hidden) for name, query in queried.items()}


@pytest.mark.parametrize(
    ("dimension", "other", "ffn_hidden", "profiled", "total"),
    [
        (2048, 768, 2048, 19_660_800, 19_664_896),
        (768, 2048, 768, 3_440_640, 3_442_176),
        (768, 2048, 384, 2_850_816, 2_852_352),
    ],
)
def test_parameter_counts_of_the_default_pair(dimension, other, ffn_hidden, profiled, total):
    attention = on_meta(dimension, other, ffn_hidden)
    assert profiled_parameters(attention) == profiled
    assert all_parameters(attention) == total


@pytest.mark.parametrize(
    ("cnn", "transformer", "profiled"), [(1280, 192, 7_784_448), (1024, 1536, 16_908_288)]
)
def test_parameter_counts_of_the_light_and_the_heavy_pair(cnn, transformer, profiled):
    branches = [on_meta(cnn, transformer, cnn), on_meta(transformer, cnn, transformer)]
    assert sum(map(profiled_parameters, branches)) == profiled


def on_meta(dimension, other, ffn_hidden):
    with torch.device("meta"):
        return ComplementaryContentAttention(
            dimension,
            other_dimension=other,
            self_head=True,
            ffn_hidden=ffn_hidden,
            order="folded",
            detach_cross_query=True,
        )


@pytest.mark.parametrize(
    ("dimension", "other", "self_head", "received"),
    [(12, None, False, "[]"), (13, 8, True, "['self', 'cross']")],
)
def test_heads_that_cannot_share_the_width_are_refused(dimension, other, self_head, received):
    message = (
        f"expected one or two attention heads that share {dimension} columns evenly, "
        f"received {received}; keep a head, or take a backbone of even width"
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        ComplementaryContentAttention(
            dimension,
            other_dimension=other,
            self_head=self_head,
            ffn_hidden=4,
            order="folded",
            detach_cross_query=True,
        )
