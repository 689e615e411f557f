import pytest
import torch
from torch.nn import functional

from training.losses.verification import PairVerification


@pytest.fixture
def head():
    torch.manual_seed(0)
    head = PairVerification(5)
    torch.nn.init.normal_(head.classifier.weight)
    return head


def by_brute_force(head, rows, probes, gallery, identities):
    """Binary cross-entropy of every probe with every row of the gallery, one pair at a time."""
    pairs = [(i, j) for i in probes for j in gallery]
    squares = torch.stack([(rows[i] - rows[j]) ** 2 for i, j in pairs])
    normal = (squares - squares.mean(dim=0)) / (squares.var(dim=0, unbiased=False) + 1e-5).sqrt()
    losses = []
    for row, (i, j) in zip(normal, pairs, strict=True):
        exponentials = head.classifier(row).exp()
        same = exponentials[1] / exponentials.sum()
        target = torch.tensor(float(identities[i] == identities[j]))
        losses.append(functional.binary_cross_entropy(same, target))
    return torch.stack(losses).mean()


@pytest.mark.parametrize(
    ("identities", "probes", "gallery"),
    [
        ([0, 0, 1, 1, 2, 2], [0, 2, 4], [1, 3, 5]),
        ([5, 2, 5, 2], [0, 1], [2, 3]),
        ([0, 0, 0, 0, 1, 1], [0, 2, 4], [1, 3, 5]),
        ([3, 3, 4, 1, 1], [0, 2, 3], [1, 4]),
    ],
)
def test_it_compares_every_probe_with_every_row_of_the_gallery(head, identities, probes, gallery):
    rows = torch.randn(len(identities), 5)
    expected = by_brute_force(head, rows, probes, gallery, identities)
    torch.testing.assert_close(head(rows, torch.tensor(identities)), expected)


def test_a_batch_of_sixteen_makes_sixty_four_pairs_of_which_eight_are_the_same():
    head = PairVerification(5)
    seen = []
    head.norm.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0].shape))
    head.classifier.weight.data.zero_()
    head.classifier.bias.data.copy_(torch.tensor([0.0, -2.0]))
    loss = head(torch.randn(16, 5), torch.arange(8).repeat_interleave(2))
    assert seen == [(64, 5)]
    different, same = torch.tensor([0.0, -2.0]).log_softmax(dim=0).neg()
    torch.testing.assert_close(loss, (56 * different + 8 * same) / 64)


def test_it_learns_to_tell_pairs_apart(head):
    torch.manual_seed(1)
    centres, identities = torch.randn(8, 5), torch.arange(8).repeat_interleave(2)
    optimizer = torch.optim.SGD(head.parameters(), lr=0.5)
    losses = []
    for _ in range(60):
        loss = head(centres[identities] + 0.05 * torch.randn(16, 5), identities)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]


def test_a_batch_without_pairs_is_refused(head):
    with pytest.raises(ValueError, match="received one of each; set clips.tracklets to 2"):
        head(torch.randn(3, 5), torch.tensor([0, 1, 2]))
