import pytest
import torch
from torch.nn import functional

from training.losses.instance_matching import InstanceTable


@pytest.fixture
def table():
    torch.manual_seed(0)
    table = InstanceTable(4, 6, momentum=0.5, scale=30.0)
    table.table.copy_(functional.normalize(torch.randn(4, 6), dim=1))
    return table


def unit_rows(count):
    return functional.normalize(torch.randn(count, 6), dim=1)


def row_by_row(stored, rows, identities, momentum):
    stored = stored.clone()
    for row, y in zip(rows, identities.tolist(), strict=True):
        mixed = momentum * stored[y] + (1 - momentum) * row
        stored[y] = mixed / mixed.norm()
    return stored


@pytest.mark.parametrize("momentum", [0.5, 0.9, 0.0])
def test_rows_are_taken_in_one_after_the_other(table, momentum):
    """Also where an identity comes several times: every row meets what the one before left."""
    table.momentum = momentum
    rows, identities = unit_rows(9), torch.tensor([1, 3, 1, 1, 0, 3, 1, 0, 1])
    expected = row_by_row(table.table, rows, identities, momentum)
    table.remember(rows, identities)
    torch.testing.assert_close(table.table, expected)


def test_a_repeated_identity_by_hand():
    table = InstanceTable(2, 2, momentum=0.5, scale=30.0)
    table.remember(torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([1, 1]))
    # 0 → (1, 0) → normalised (½, ½).
    torch.testing.assert_close(table.table, torch.tensor([[0.0, 0.0], [0.5**0.5, 0.5**0.5]]))


def test_the_loss_is_the_cross_entropy_of_thirty_times_the_cosines(table):
    rows, identities = unit_rows(5), torch.tensor([0, 3, 2, 2, 1])
    losses = []
    for row, y in zip(rows, identities.tolist(), strict=True):
        similarities = (30 * (table.table @ row)).exp()
        losses.append(-(similarities[y] / similarities.sum()).log())
    torch.testing.assert_close(table(rows, identities), torch.stack(losses).mean())


def test_an_empty_table_says_nothing_of_anybody():
    table = InstanceTable(4, 6, momentum=0.5, scale=30.0)
    loss = table(unit_rows(3), torch.tensor([0, 1, 2]))
    torch.testing.assert_close(loss, torch.tensor(4.0).log())


def test_opposite_rows_leave_finite_numbers():
    table = InstanceTable(1, 2, momentum=0.5, scale=30.0)
    table.remember(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]), torch.tensor([0, 0]))
    assert torch.equal(table.table, torch.zeros(1, 2))


def test_the_loss_does_not_move_the_table_and_remembering_needs_no_graph(table):
    rows = unit_rows(3).requires_grad_()
    identities = torch.tensor([0, 1, 1])
    before = table.table.clone()
    loss = table(rows, identities)
    assert torch.equal(table.table, before)
    loss.backward()
    assert rows.grad.abs().sum() > 0
    table.remember(rows, identities)
    assert not torch.equal(table.table, before)
    assert not table.table.requires_grad


def test_the_table_is_state_and_no_parameter(table):
    assert list(table.parameters()) == []
    assert set(table.state_dict()) == {"table"}
