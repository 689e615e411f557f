"""The tracklets a run learns from: the data set without its held-out identities, and drawn ones."""

from dataclasses import replace
from pathlib import Path

from training.data.catalogue import read_data_set
from training.data.data_config import DataConfig, DrawnConfig
from training.data.market1501 import read_market1501_folder
from training.data.synthetic import SyntheticWorld
from training.data.synthetic_layouts import write_market1501
from training.data.tracklet import Tracklet, hold_out_identities

# Beyond the numbers of every public data set, so that nobody real shares one with a drawing.
DRAWN_IDENTITY_OFFSET = 1_000_000
DRAWN_CAMERA_OFFSET = 1_000


def training_tracklets(config: DataConfig, run_dir: Path) -> list[Tracklet]:
    """Read the data set, hold out its last identities, add the drawn people.

    Drawn frames are written once under `run_dir`.

    Raises:
        ValueError: When the data set is missing, broken, or too small to hold identities out.
    """
    tracklets, _ = hold_out_identities(
        read_data_set(config.name, config.root).split(config.split).train,
        config.validation_identities,
    )
    if config.drawn is None:
        return tracklets
    return tracklets + _drawn_tracklets(config.drawn, run_dir)


def _drawn_tracklets(config: DrawnConfig, run_dir: Path) -> list[Tracklet]:
    name = f"drawn-{config.seed}-{config.identities}-{config.cameras}-{config.frames}"
    root = run_dir / name
    if not root.exists():
        run_dir.mkdir(parents=True, exist_ok=True)
        world = SyntheticWorld(
            seed=config.seed, identities=config.identities, cameras=config.cameras
        )
        write_market1501(world, root, frames=config.frames)
    return [
        replace(
            tracklet,
            name=f"drawn_{tracklet.name}",
            identity=DRAWN_IDENTITY_OFFSET + tracklet.identity,
            camera=DRAWN_CAMERA_OFFSET + (tracklet.camera or 0),
        )
        for tracklet in read_market1501_folder(root / "bounding_box_train")
    ]
