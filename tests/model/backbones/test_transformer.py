import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from model.backbones import transformer
from model.backbones.transformer import TransformerBackbone


def build(name, size=(64, 32), **options):
    return TransformerBackbone(name, size=size, drop_path=0.0, **options).eval()


@pytest.mark.parametrize(
    ("name", "parameters", "dimension", "grid"),
    [
        ("vit_base_patch16_224.orig_in21k_ft_in1k", 85_746_432, 768, (16, 8)),
        ("deit_tiny_patch16_224", 5_511_360, 192, (16, 8)),
        ("swin_large_patch4_window7_224", 194_987_988, 1536, (8, 4)),
    ],
)
def test_parameters_and_grid_are_those_of_the_specification(name, parameters, dimension, grid):
    with torch.device("meta"):
        backbone = build(name, (256, 128))
    assert sum(p.numel() for p in backbone.parameters()) == parameters
    assert (backbone.dimension, backbone.grid) == (dimension, grid)


@pytest.mark.parametrize(
    ("name", "size", "grid", "class_token"),
    [
        ("deit_tiny_patch16_224", (64, 48), (4, 3), True),
        ("vit_base_patch16_clip_224.openai", (64, 32), (4, 2), True),
        ("vit_small_patch14_dinov2", (56, 28), (4, 2), True),
        ("vit_small_patch14_reg4_dinov2", (56, 28), (4, 2), True),
        ("vit_small_patch16_dinov3", (64, 32), (4, 2), True),
        ("vit_base_patch16_siglip_224", (64, 32), (4, 2), False),
        ("vit_little_patch16_reg4_gap_256", (64, 32), (4, 2), False),
        ("swin_tiny_patch4_window7_224", (64, 96), (2, 3), False),
        ("swinv2_tiny_window8_256", (64, 32), (2, 1), False),
    ],
)
def test_tokens_are_split_into_class_token_and_patches(name, size, grid, class_token):
    with torch.device("meta"):
        backbone = build(name, size)
        tokens = backbone(torch.empty(3, 3, *size))
    assert (backbone.grid, backbone.has_class_token) == (grid, class_token)
    assert tokens.patches.shape == (3, grid[0] * grid[1], backbone.dimension)
    assert (tokens.class_token is not None) == class_token
    if class_token:
        assert tokens.class_token.shape == (3, backbone.dimension)


def test_registers_are_neither_class_token_nor_patches():
    torch.manual_seed(0)
    backbone = build("vit_small_patch14_reg4_dinov2", (56, 28))
    frames = torch.randn(1, 3, 56, 28)
    with torch.inference_mode():
        tokens, every = backbone(frames), backbone.network(frames)
    assert every.shape[1] == 1 + 4 + 8
    torch.testing.assert_close(tokens.class_token, every[:, 0], atol=0, rtol=0)
    torch.testing.assert_close(tokens.patches, every[:, 5:], atol=0, rtol=0)


def test_the_grid_of_a_swin_is_read_row_by_row():
    torch.manual_seed(0)
    backbone = build("swin_tiny_patch4_window7_224", (64, 96))
    frames = torch.randn(1, 3, 64, 96)
    with torch.inference_mode():
        patches, grid = backbone(frames).patches, backbone.network(frames)
    rows, columns = backbone.grid
    for row in range(rows):
        for column in range(columns):
            torch.testing.assert_close(
                patches[:, row * columns + column], grid[:, row, column], atol=0, rtol=0
            )


def test_a_batch_equals_its_frames_one_by_one():
    backbone = build("test_vit")
    frames = torch.randn(3, 3, 64, 32)
    with torch.inference_mode():
        alone = torch.cat([backbone(frame[None]).patches for frame in frames])
        torch.testing.assert_close(backbone(frames).patches, alone, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", ["test_vit", "swin_tiny_patch4_window7_224"])
@pytest.mark.parametrize("size", [(96, 32), (64, 64), (32, 64)])
def test_frames_of_another_size_are_refused(name, size):
    with torch.device("meta"):
        backbone = build(name)
        with pytest.raises(
            ValueError,
            match="expected frames of 64×32 pixels, which the Transformer was built for, received "
            f"{size[0]}×{size[1]}; resize the frames, or set height and width of the model",
        ):
            backbone(torch.empty(1, 3, *size))


def test_patches_must_fill_the_size():
    with pytest.raises(
        ValueError,
        match="expected a size that the 14×14 patches of 'vit_small_patch14_dinov2' fill, received "
        "256×126; set height to 252 or 266 and width to 126",
    ):
        build("vit_small_patch14_dinov2", (256, 126))
    with pytest.raises(ValueError, match="set height to 64 and width to 16$"):
        build("test_vit", (64, 10))


def test_a_cnn_is_no_transformer():
    with pytest.raises(ValueError, match="expected a Transformer.*'resnet18'.*name it as the CNN"):
        build("resnet18")


@pytest.mark.parametrize("name", ["maxvit_tiny_rw_224", "pit_ti_224"])
def test_a_network_that_ends_in_something_else_is_refused(name):
    with (
        torch.device("meta"),
        pytest.raises(
            ValueError,
            match=rf"expected a Transformer that ends in the tokens \[f, n, c\] of a known grid of "
            rf"patches, or in a grid \[f, h, w, c\], received '{name}', which ends in \[1, .*\]; "
            r"choose a ViT or Swin, or name a network that ends in a map \[f, c, h, w\] as the CNN",
        ),
    ):
        build(name, (256, 128))


class ClassTokenOnly(nn.Module):
    """Attends to its patches, and keeps them for itself."""

    num_features = 8

    def __init__(self):
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, 8))

    def forward(self, frames):
        return self.cls_token.expand(len(frames), 1, 8)


def test_a_network_without_patches_in_its_output_is_refused(monkeypatch):
    monkeypatch.setattr(transformer, "build_network", lambda *_, **__: ClassTokenOnly())
    with pytest.raises(ValueError, match=r"'closed', which ends in \[1, 1, 8\]"):
        build("closed")


def test_it_starts_from_a_local_file(tmp_path):
    torch.manual_seed(3)
    trained = build("test_vit")
    save_file(trained.network.state_dict(), tmp_path / "vit.safetensors")
    started = build("test_vit", weights=tmp_path / "vit.safetensors")
    frames = torch.randn(1, 3, 64, 32)
    with torch.inference_mode():
        torch.testing.assert_close(started(frames), trained(frames), atol=0, rtol=0)


def test_native_normalisation_gives_the_network_what_it_was_trained_with():
    torch.manual_seed(0)
    shared = build("test_vit")  # its weights were trained with 0.5 and 0.5
    native = build("test_vit", native_normalization=True)
    native.load_state_dict(shared.state_dict())
    pixels = torch.rand(2, 3, 64, 32)
    imagenet = (pixels - torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)) / torch.tensor(
        [0.229, 0.224, 0.225]
    ).view(3, 1, 1)
    with torch.inference_mode():
        torch.testing.assert_close(native(imagenet), shared((pixels - 0.5) / 0.5))
    assert build("deit_tiny_patch16_224", native_normalization=True).renormalize is None


def test_it_compiles_and_exports_with_its_check_of_sizes():
    backbone = build("test_vit", native_normalization=True)
    frames = torch.randn(2, 3, 64, 32)
    with torch.inference_mode():
        eager = backbone(frames).patches
        compiled = torch.compile(backbone, fullgraph=True, backend="eager")(frames).patches
        torch.testing.assert_close(compiled, eager, atol=1e-5, rtol=1e-5)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert backbone(frames).patches.shape == eager.shape
    batch = torch.export.Dim("batch", min=1, max=64)
    exported = torch.export.export(backbone, (frames,), dynamic_shapes=({0: batch},)).module()
    with torch.no_grad():
        torch.testing.assert_close(exported(frames[:1]).patches, eager[:1], atol=1e-5, rtol=1e-5)
