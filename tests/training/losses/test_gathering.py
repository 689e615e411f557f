import pytest
import torch
from torch import nn
from torch.nn import functional

from model.features import TrackletFeatures
from tests.processes import run_processes
from training.losses.gathering import gather_batch, gather_rows, join_features
from training.losses.grl_objective import GrlObjective
from training.losses.loss_config import GrlLossConfig
from training.losses.triplet import batch_hard_triplet

IDENTITIES = torch.tensor([0, 0, 1, 1, 2, 2, 3, 3])


def inputs():
    return torch.randn(8, 3, 5, generator=torch.Generator().manual_seed(0))


def network():
    layer = nn.Linear(5, 4)
    nn.init.normal_(layer.weight, generator=torch.Generator().manual_seed(1))
    nn.init.zeros_(layer.bias)
    return layer


def features_of(rows):
    parts = {"clip": rows.mean(dim=1)}
    return TrackletFeatures({"frame": rows}, {"frame": rows}, parts, parts, {"map": rows})


def loss_of(features, identities):
    frames = features.frame_features["frame"]
    losses = [batch_hard_triplet(frames[:, t], identities, margin=3.0) for t in range(3)]
    clip = batch_hard_triplet(features.parts["clip"], identities, margin=3.0)
    return torch.stack(losses).mean() + clip * clip


def differentiate(rows, identities):
    """Loss, and its gradient for the layer that made the features."""
    layer = network()
    features, identities = gather_batch(features_of(layer(rows)), identities)
    loss = loss_of(features, identities)
    loss.backward()
    return {"loss": loss.detach(), "gradient": layer.weight.grad, "identities": identities}


def half_of_the_batch(rank):
    own = slice(4 * rank, 4 * rank + 4)
    return {
        **differentiate(inputs()[own], IDENTITIES[own]),
        "grl": learn_grl(inputs()[own], IDENTITIES[own]),
        "refusal": unequal_batches(rank),
    }


def learn_grl(rows, identities):
    """Two steps of GRL's objective: its terms, its state, the gradient of the features' layer."""
    torch.manual_seed(2)
    objective = GrlObjective(dict.fromkeys(("low", "pooled", "high"), 4), 4, GrlLossConfig())
    layer = network()
    for _ in range(2):
        frames = functional.normalize(layer(rows), dim=2)
        clip = functional.normalize(frames.mean(dim=1), dim=1)
        features = TrackletFeatures({}, {"high": frames}, {}, {"low": -clip, "pooled": clip}, {})
        features, everyone = gather_batch(features, identities)
        learned = objective(features, everyone)
        layer.zero_grad()
        objective.zero_grad()
        learned.total.backward()
        objective.remember(features, everyone)
    heads = {name: parameter.grad for name, parameter in objective.named_parameters()}
    return learned.terms, objective.state_dict(), heads, layer.weight.grad


def unequal_batches(rank):
    identities = IDENTITIES[: 2 + 2 * rank]
    try:
        gather_batch(features_of(inputs()[: len(identities)]), identities)
    except ValueError as error:
        return str(error)
    return ""


@pytest.fixture(scope="module")
def two_processes(tmp_path_factory):
    """What each of two processes makes of its half of the batch."""
    return run_processes(half_of_the_batch, tmp_path_factory.mktemp("processes"))


def test_two_processes_have_the_loss_and_the_gradient_of_one(two_processes):
    one = differentiate(inputs(), IDENTITIES)
    for process in two_processes:
        torch.testing.assert_close(process["loss"], one["loss"])
        assert torch.equal(process["identities"], IDENTITIES)
    # What DistributedDataParallel does with gradients.
    averaged = sum(process["gradient"] for process in two_processes) / 2
    torch.testing.assert_close(averaged, one["gradient"])
    assert one["gradient"].abs().sum() > 0.1


def test_two_processes_have_the_tables_and_the_pairs_of_one(two_processes):
    terms, state, heads, gradient = learn_grl(inputs(), IDENTITIES)
    for process in two_processes:
        torch.testing.assert_close(process["grl"][0], terms)
        torch.testing.assert_close(dict(process["grl"][1]), dict(state))
        torch.testing.assert_close(process["grl"][2], heads)
    averaged = sum(process["grl"][3] for process in two_processes) / 2
    torch.testing.assert_close(averaged, gradient)
    assert gradient.abs().sum() > 0.1


def test_processes_with_unequal_batches_are_refused(two_processes):
    for process in two_processes:
        assert process["refusal"] == (
            "expected as many tracklets in every process, received [2, 4]; "
            "let the number of processes divide clips.identities"
        )


def test_one_process_keeps_what_it_has():
    features = features_of(inputs())
    gathered, identities = gather_batch(features, IDENTITIES)
    assert gathered is features
    assert identities is IDENTITIES
    assert gather_rows(IDENTITIES) is IDENTITIES


@pytest.mark.parametrize("sizes", [(8,), (2, 6), (4, 2, 2)])
def test_joined_micro_batches_are_the_batch(sizes):
    whole = features_of(inputs())
    pieces = [features_of(rows) for rows in inputs().split(sizes)]
    for joined, expected in zip(join_features(pieces), whole, strict=True):
        assert joined.keys() == expected.keys()
        for name, rows in joined.items():
            torch.testing.assert_close(rows, expected[name])


def test_gradients_reach_every_micro_batch():
    layer = network()
    pieces = [features_of(layer(rows)) for rows in inputs().split((4, 4))]
    loss_of(join_features(pieces), IDENTITIES).backward()
    torch.testing.assert_close(layer.weight.grad, differentiate(inputs(), IDENTITIES)["gradient"])
