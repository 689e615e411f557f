import pytest
import torch

from training.losses.centre import ClassCentres


@pytest.fixture
def rows():
    torch.manual_seed(0)
    return torch.randn(6, 4, requires_grad=True), torch.tensor([2, 0, 2, 2, 0, 3])


def test_the_gradient_of_a_row_is_its_way_from_its_centre(rows):
    features, identities = rows
    centres = ClassCentres(5, 4, rate=0.5)
    centres.centres.normal_()
    centres(features, identities).backward()
    torch.testing.assert_close(
        features.grad, (features.detach() - centres.centres[identities]) / len(features)
    )


def test_the_loss_is_half_the_mean_square_of_the_distance(rows):
    features, identities = rows
    centres = ClassCentres(5, 4, rate=0.5)
    centres.centres.normal_()
    squares = [
        (row - centres.centres[y]).square().sum().item()
        for row, y in zip(features, identities, strict=True)
    ]
    assert centres(features, identities).item() == pytest.approx(sum(squares) / 12)


def test_centres_move_as_in_equation_4(rows):
    features, identities = rows
    centres = ClassCentres(5, 4, rate=0.3)
    centres.centres.normal_()
    before = centres.centres.clone()
    centres.remember(features, identities)
    for j in range(5):
        own = features[identities == j].detach()
        moved = 0.3 * (before[j] - own).sum(dim=0) / (1 + len(own))
        torch.testing.assert_close(centres.centres[j], before[j] - moved)
    assert torch.equal(centres.centres[1], before[1])


def test_centres_come_to_rest_in_the_mean_of_what_is_seen(rows):
    features, identities = rows
    centres = ClassCentres(5, 4, rate=0.5)
    for _ in range(60):
        centres.remember(features, identities)
    mean = features[identities == 2].mean(dim=0)
    torch.testing.assert_close(centres.centres[2], mean.detach(), rtol=1e-4, atol=1e-5)


def test_centres_are_state_and_no_parameters():
    centres = ClassCentres(5, 4, rate=0.5)
    assert list(centres.parameters()) == []
    assert set(centres.state_dict()) == {"centres"}
