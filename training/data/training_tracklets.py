"""The tracklets a run learns from: data sets without held-out identities, and drawn people."""

from collections.abc import Container, Sequence
from pathlib import Path

from training.data.catalogue import read_data_set
from training.data.data_config import DataConfig, DrawnConfig, SourceConfig
from training.data.market1501 import read_market1501_folder
from training.data.mixing import mix_tracklets
from training.data.synthetic import SyntheticWorld
from training.data.synthetic_layouts import write_market1501
from training.data.tracklet import Tracklet, hold_out_identities


def training_tracklets(config: DataConfig, run_dir: Path) -> list[Tracklet]:
    """Read the data set, hold out its last identities, add other data sets and drawn people.

    Where there is more than one source they are mixed, so that no two share a person or a camera.
    Drawn frames are written once under `run_dir`.

    Raises:
        ValueError: When a data set is missing, broken, or too small to hold identities out.
    """
    tracklets, _ = hold_out_identities(_read_source(config), config.validation_identities)
    sources: dict[str, Sequence[Tracklet]] = {config.name: tracklets}
    for source in config.also:
        sources[_free_name(source.name, sources)] = _read_source(source)
    if config.drawn is not None:
        sources["drawn"] = _drawn_tracklets(config.drawn, run_dir)
    return tracklets if len(sources) == 1 else list(mix_tracklets(sources))


def _read_source(source: SourceConfig) -> tuple[Tracklet, ...]:
    return read_data_set(source.name, source.root).split(source.split).train


def _free_name(name: str, taken: Container[str]) -> str:
    """The name, or with the least number that makes it another."""
    free, number = name, 1
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    return free


def _drawn_tracklets(config: DrawnConfig, run_dir: Path) -> list[Tracklet]:
    name = f"drawn-{config.seed}-{config.identities}-{config.cameras}-{config.frames}"
    root = run_dir / name
    if not root.exists():
        run_dir.mkdir(parents=True, exist_ok=True)
        world = SyntheticWorld(
            seed=config.seed, identities=config.identities, cameras=config.cameras
        )
        write_market1501(world, root, frames=config.frames)
    return read_market1501_folder(root / "bounding_box_train")
