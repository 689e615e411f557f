import pytest
import torch
from torch.nn import functional

from model.features import TrackletFeatures
from training.losses.grl_objective import GrlObjective
from training.losses.instance_matching import InstanceTable
from training.losses.loss_config import GrlLossConfig
from training.losses.triplet import batch_hard_triplet

IDENTITIES = torch.tensor([2, 2, 0, 0])


def unit(*shape):
    return functional.normalize(torch.randn(shape), dim=-1).requires_grad_()


@pytest.fixture
def features():
    torch.manual_seed(0)
    parts = {"low": unit(4, 6), "pooled": unit(4, 6), "high": unit(4, 6)}
    return TrackletFeatures({}, {"high": unit(4, 3, 6)}, {}, parts, {})


def objective(**changes):
    torch.manual_seed(1)
    return GrlObjective(
        dict.fromkeys(("low", "pooled", "high"), 6), 5, GrlLossConfig.model_validate(changes)
    )


def test_the_total_is_the_sum_of_the_five_weighted_terms(features):
    received = objective()(features, IDENTITIES)
    assert set(received.terms) == {
        "high_identity", "pooled_identity", "low_identity", "pooled_verification",
        "pooled_triplet",
    }  # fmt: skip
    torch.testing.assert_close(received.total, sum(received.terms.values()))


def test_every_term_is_of_its_own_rows_table_and_weight(features):
    grl = objective(identity_weight=2.0, verification_weight=3.0, triplet_weight=0.5)
    grl.high.table.normal_()
    grl.low.table.normal_()
    terms = grl(features, IDENTITIES).terms
    frames = features.frame_features["high"].flatten(0, 1)
    pooled, low = features.parts["pooled"], features.parts["low"]
    expected = {
        "high_identity": 2 * grl.high(frames, IDENTITIES.repeat_interleave(3)),
        "pooled_identity": 2 * grl.high(pooled, IDENTITIES),
        "low_identity": 2 * grl.low(low, IDENTITIES),
        "pooled_verification": 3 * grl.verification(pooled, IDENTITIES),
        "pooled_triplet": 0.5
        * batch_hard_triplet(pooled, IDENTITIES, margin="soft", distance="euclidean"),
    }
    torch.testing.assert_close(terms, {name: term.detach() for name, term in expected.items()})


def test_the_defaults_are_those_of_the_specification(features):
    grl = objective()
    assert (grl.high.momentum, grl.high.scale) == (grl.low.momentum, grl.low.scale) == (0.5, 30.0)
    expected = 20 * grl.verification(features.parts["pooled"], IDENTITIES)
    terms = grl(features, IDENTITIES).terms
    torch.testing.assert_close(terms["pooled_verification"], expected.detach())


def test_frames_and_the_pooled_feature_share_a_table_in_that_order(features):
    grl = objective()
    expected = InstanceTable(5, 6, momentum=0.5, scale=30.0)
    rows = [*features.frame_features["high"].flatten(0, 1), *features.parts["pooled"]]
    identities = [2, 2, 2, 2, 2, 2, 0, 0, 0, 0, 0, 0, 2, 2, 0, 0]
    for row, identity in zip(rows, identities, strict=True):
        expected.remember(row.unsqueeze(0), torch.tensor([identity]))
    grl.remember(features, IDENTITIES)
    torch.testing.assert_close(grl.high.table, expected.table)


def test_the_low_feature_has_a_table_of_its_own(features):
    grl = objective()
    expected = InstanceTable(5, 6, momentum=0.5, scale=30.0)
    expected.remember(features.parts["low"], IDENTITIES)
    grl.remember(features, IDENTITIES)
    torch.testing.assert_close(grl.low.table, expected.table)


def test_the_loss_leaves_the_tables_to_what_remembers(features):
    grl = objective()
    grl(features, IDENTITIES).total.backward()
    assert grl.high.table.abs().sum() == grl.low.table.abs().sum() == 0


def test_gradients_reach_every_supervised_feature_once_tables_are_filled(features):
    grl = objective()
    grl.remember(features, IDENTITIES)
    grl(features, IDENTITIES).total.backward()
    for rows in (features.frame_features["high"], features.parts["pooled"], features.parts["low"]):
        assert rows.grad.abs().sum() > 0
    assert all(parameter.grad is not None for parameter in grl.parameters())


def test_losses_are_in_single_precision_also_under_autocast(features):
    grl = objective()
    grl.high.table.normal_()
    plain = grl(features, IDENTITIES)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cast = grl(features, IDENTITIES)
    torch.testing.assert_close(cast.total, plain.total, rtol=0, atol=0)


def test_tables_are_part_of_a_checkpoint(features):
    grl, other = objective(), objective()
    grl.remember(features, IDENTITIES)
    other.load_state_dict(grl.state_dict())
    assert torch.equal(other.high.table, grl.high.table)
    assert other.high.table.abs().sum() > 0
