"""A whole DCCT, distilling, learns a few people by heart (spec §6, check 12)."""

import json

from rich.progress import Progress

from tests.judged_networks import judge_itself
from tests.tiny_models import tiny_dcct
from training.data.clip_config import ClipConfig
from training.run_log import STEPS_FILE
from training.trainer import Trainer


def test_the_loss_falls_and_precision_becomes_one(small_config, drawn_tracklets):
    config = small_config(
        data={"name": "market1501", "root": "unused", "validation_identities": 0},
        model=tiny_dcct(clip_frames=4),
        clips=ClipConfig(frames=4, identities=6, tracklets=3),
        augmentation={"flip": 0, "pad_px": 0, "erasing": 0},
        losses={"distillation": {}},
        optimizer={
            "name": "adamw", "learning_rate": 2e-3, "new_layer_factor": 2.0, "epochs": 1,
            "steps_per_epoch": 90, "schedule": "cosine", "warmup_steps": 5,
        },
        checkpoint_every_steps=1000,
    )  # fmt: skip
    trainer = Trainer(config, drawn_tracklets)
    with Progress(disable=True) as progress:
        trainer.fit(progress)
    log = (config.run_dir / STEPS_FILE).read_text().splitlines()
    losses = [json.loads(line)["loss"] for line in log]
    assert sum(losses[-5:]) < 0.25 * sum(losses[:5])
    judged = judge_itself(trainer.network, drawn_tracklets)
    for feature in ("full", "student"):
        assert judged.methods[feature].result.mean_average_precision > 0.99, feature
