import pytest
import torch
from timm.models.swin_transformer import WindowAttention
from torch import nn

from model.backbones.size_change import fit_places
from model.backbones.timm_network import build_network


def places(old, new, name="test_vit"):
    trained, wanted = build_network(name, size=old), build_network(name, size=new)
    return fit_places(trained.state_dict(), trained=trained, wanted=wanted), trained, wanted


def cells(positions, rows, columns):
    return positions[0, 1:].unflatten(0, (rows, columns))


def test_the_same_size_changes_nothing():
    fitted, trained, _ = places((64, 32), (64, 32))
    for name, value in trained.state_dict().items():
        torch.testing.assert_close(fitted[name], value, atol=0, rtol=0)


@pytest.mark.parametrize(
    ("name", "new"),
    [
        ("test_vit", (128, 64)),
        ("test_vit", (32, 32)),
        ("swin_tiny_patch4_window7_224", (128, 64)),
    ],
)
def test_the_tensors_fit_the_other_size(name, new):
    fitted, _, wanted = places((64, 32), new, name)
    wanted.load_state_dict(fitted)


def test_there_and_back_is_near_where_it_was_and_the_class_token_exactly():
    """Positions that grow smoothly lose next to nothing on a finer grid."""
    small = build_network("test_vit", size=(128, 64))
    large = build_network("test_vit", size=(256, 128))
    rows, columns = torch.meshgrid(torch.arange(8.0), torch.arange(4.0), indexing="ij")
    smooth = (rows[..., None] / 8 + columns[..., None] / 4).flatten(0, 1).expand(32, 64)
    start = torch.cat([torch.full((1, 64), 7.0), smooth])[None]
    there = fit_places({"pos_embed": start}, trained=small, wanted=large)
    back = fit_places(there, trained=large, wanted=small)["pos_embed"]
    torch.testing.assert_close(back[:, 0], start[:, 0], atol=0, rtol=0)
    inner = cells(back, 8, 4)[2:-2, 1:-1], cells(start, 8, 4)[2:-2, 1:-1]
    torch.testing.assert_close(*inner, atol=0.02, rtol=0)


def test_as_many_patches_in_another_grid_move():
    """Lying frames from standing ones: what differs from row to row still does, on fewer rows."""
    trained = build_network("test_vit", size=(128, 64))
    wanted = build_network("test_vit", size=(64, 128))
    by_row = torch.arange(8.0)[:, None, None].expand(8, 4, 64).reshape(1, 32, 64)
    start = torch.cat([torch.zeros(1, 1, 64), by_row], dim=1)
    moved = cells(
        fit_places({"pos_embed": start}, trained=trained, wanted=wanted)["pos_embed"], 4, 8
    )
    torch.testing.assert_close(moved, moved[:, :1].expand_as(moved), atol=1e-5, rtol=0)
    assert (moved[1:, 0, 0] - moved[:-1, 0, 0] > 1).all()


def windowed(*window):
    return nn.Sequential(WindowAttention(dim=8, num_heads=2, window_size=window))


KEY = "0.relative_position_bias_table"


def ramp(rows, columns):
    """A table that grows by 2 with every row between two cells, and by 3 with every column."""
    down, right = torch.meshgrid(
        torch.arange(1.0 - rows, rows), torch.arange(1.0 - columns, columns), indexing="ij"
    )
    return (2 * down + 3 * right).flatten()[:, None].repeat(1, 2)


def test_relative_positions_of_near_cells_stay_in_a_smaller_window():
    table = fit_places({KEY: ramp(7, 7)}, trained=windowed(7, 7), wanted=windowed(7, 4))[KEY]
    torch.testing.assert_close(table, ramp(7, 4), atol=0.5, rtol=0)


def test_relative_positions_of_windows_that_are_not_square_are_read_as_they_lie():
    table = fit_places({KEY: ramp(4, 7)}, trained=windowed(4, 7), wanted=windowed(4, 3))[KEY]
    torch.testing.assert_close(table, ramp(4, 3), atol=0.5, rtol=0)


def test_relative_positions_of_equal_windows_stay():
    table = fit_places({KEY: ramp(7, 4)}, trained=windowed(7, 4), wanted=windowed(7, 4))[KEY]
    torch.testing.assert_close(table, ramp(7, 4), atol=0, rtol=0)
