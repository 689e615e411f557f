import pytest

from tests.small_models import small_student
from training.config import TrainingConfig
from training.data.clip_config import AugmentationConfig, ClipConfig
from training.data.data_config import DataConfig
from training.data.market1501 import read_market1501_folder
from training.data.synthetic import SyntheticWorld
from training.data.synthetic_layouts import write_market1501


@pytest.fixture(scope="session")
def drawn_root(tmp_path_factory):
    """Six made-up people before three cameras, four frames each, in Market-1501's layout."""
    root = tmp_path_factory.mktemp("drawn") / "market"
    world = SyntheticWorld(seed=1, identities=6, cameras=3, height=64, width=32)
    write_market1501(world, root, frames=4)
    return root / "bounding_box_train"


@pytest.fixture(scope="session")
def drawn_tracklets(drawn_root):
    return read_market1501_folder(drawn_root)


@pytest.fixture
def small_config(tmp_path, drawn_root):
    """A run of the light pair that takes a second or two."""

    def build(name="run", **changes):
        return TrainingConfig.model_validate(
            {
                "run_dir": tmp_path / name,
                "model": small_student(),
                "data": DataConfig(name="market1501", root=drawn_root, validation_identities=2),
                "clips": ClipConfig(frames=2, identities=2, tracklets=2),
                "augmentation": AugmentationConfig(pad_px=2),
                "optimizer": {"epochs": 1, "steps_per_epoch": 6, "warmup_steps": 2},
                "checkpoint_every_steps": 2,
                **changes,
            }
        )

    return build
