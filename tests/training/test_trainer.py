import json

import pytest
import torch
from rich.progress import Progress
from safetensors.torch import load_file

from model.weights import open_network
from tests.judged_networks import judge_itself
from tests.small_models import small_student
from tests.tiny_models import tiny_dcct
from training.data.clip_config import ClipConfig
from training.data.clip_dataset import Clip
from training.run_log import STEPS_FILE
from training.trainer import Trainer


def fit(config, tracklets, **options):
    trainer = Trainer(config, tracklets)
    with Progress(disable=True) as progress:
        weights = trainer.fit(progress, **options)
    return trainer, weights


def lines(config):
    return [json.loads(line) for line in (config.run_dir / STEPS_FILE).read_text().splitlines()]


def test_interrupted_and_resumed_equals_uninterrupted_bit_for_bit(small_config, drawn_tracklets):
    whole, cut = small_config("whole"), small_config("cut")
    _, expected = fit(whole, drawn_tracklets)
    fit(cut, drawn_tracklets, stop_after_steps=3)
    _, received = fit(cut, drawn_tracklets)
    first, second = load_file(expected), load_file(received)
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        assert torch.equal(tensor, second[name]), name
    assert [line["loss"] for line in lines(whole)] == [line["loss"] for line in lines(cut)]


def test_every_step_is_one_line_with_every_term(small_config, drawn_tracklets):
    config = small_config()
    trainer, _ = fit(config, drawn_tracklets)
    assert trainer.total_steps == 6
    logged = lines(config)
    assert [line["step"] for line in logged] == list(range(6))
    assert set(logged[0]) == {
        "step", "epoch", "loss", "cnn_identity", "cnn_triplet", "transformer_identity",
        "transformer_triplet", "learning_rate", "gradient_norm", "frames_per_s",
    }  # fmt: skip
    assert logged[0]["learning_rate"] == pytest.approx(0.5e-3)
    assert logged[1]["learning_rate"] == pytest.approx(1e-3)


def test_an_epoch_shows_k_clips_for_every_tracklet(small_config, drawn_tracklets):
    config = small_config(optimizer={"epochs": 3})
    # 18 tracklets × 2 clips over batches of 2 × 2.
    assert Trainer(config, drawn_tracklets).steps_per_epoch == 9


def test_a_run_does_not_go_on_under_another_configuration(small_config, drawn_tracklets):
    fit(small_config(), drawn_tracklets, stop_after_steps=2)
    with pytest.raises(ValueError, match=r"another one:\n  seed: 0 → 1\n.*another run_dir"):
        fit(small_config(seed=1), drawn_tracklets)


def test_a_loss_that_is_not_finite_stops_before_the_update(small_config, drawn_tracklets):
    trainer = Trainer(small_config(), drawn_tracklets)
    before = {name: tensor.clone() for name, tensor in trainer.network.named_parameters()}
    frames = torch.full((4, 2, 3, 64, 32), torch.nan)
    with pytest.raises(FloatingPointError, match="expected a finite loss, received nan; lower"):
        trainer.train_step(Clip(frames, torch.tensor([0, 0, 1, 1])))
    for name, tensor in trainer.network.named_parameters():
        assert torch.equal(tensor, before[name])


def test_a_run_does_not_go_on_over_other_tracklets(small_config, drawn_tracklets):
    fit(small_config(), drawn_tracklets, stop_after_steps=2)
    with pytest.raises(ValueError, match="expected the tracklets that .* restore the data set"):
        fit(small_config(), drawn_tracklets[:-1])


def test_a_gradient_that_is_not_finite_moves_no_parameter(small_config, drawn_tracklets):
    trainer = Trainer(small_config(), drawn_tracklets)
    before = {name: tensor.clone() for name, tensor in trainer.network.named_parameters()}
    trainer.network.cnn.network.conv_stem.weight.register_hook(lambda g: g * torch.nan)
    clips = next(iter(trainer._batches(0)))
    with pytest.raises(FloatingPointError, match="expected a finite gradient, received nan"):
        trainer.train_step(clips)
    for name, tensor in trainer.network.named_parameters():
        assert torch.equal(tensor, before[name])


def test_workers_change_nothing(small_config, drawn_tracklets):
    clips = {"frames": 2, "identities": 2, "tracklets": 2}
    alone, helped = small_config("alone"), small_config("helped", clips={**clips, "workers": 1})
    fit(alone, drawn_tracklets, stop_after_steps=2)
    fit(helped, drawn_tracklets, stop_after_steps=2)
    assert [line["loss"] for line in lines(alone)] == [line["loss"] for line in lines(helped)]


def test_a_later_stage_starts_from_the_weights_of_an_earlier_one(small_config, drawn_tracklets):
    _, weights = fit(small_config("first"), drawn_tracklets, stop_after_steps=1)
    later = small_config(
        "second",
        initial_weights=weights,
        model=small_student(height=96, width=64),
    )
    stage = Trainer(later, drawn_tracklets).network
    assert not stage.config.pretrained
    started = stage.state_dict()
    stored = load_file(weights)
    assert torch.equal(
        started["cnn.network.conv_stem.weight"], stored["cnn.network.conv_stem.weight"]
    )
    assert started["transformer.network.pos_embed"].shape == (1, 1 + 6 * 4, 192)


def test_it_learns_to_tell_a_few_people_apart(small_config, drawn_tracklets):
    """A loop that runs but does not learn would pass every other test."""
    config = small_config(
        data={"name": "market1501", "root": "unused", "validation_identities": 0},
        clips={"frames": 2, "identities": 6, "tracklets": 3},
        augmentation={"pad_px": 0, "erasing": 0},
        model=tiny_dcct(spatial="gap", temporal="tap"),
        optimizer={
            "name": "adamw", "learning_rate": 2e-3, "new_layer_factor": 4.0, "epochs": 1,
            "steps_per_epoch": 60, "schedule": "cosine", "warmup_steps": 5,
        },
    )  # fmt: skip
    trainer, _ = fit(config, drawn_tracklets)
    losses = [line["loss"] for line in lines(config)]
    assert sum(losses[-5:]) < 0.4 * sum(losses[:5])
    judged = judge_itself(trainer.network, drawn_tracklets)
    assert judged.methods["full"].result.cmc[1] >= 0.9


def test_a_run_trains_every_part_and_distils(small_config, drawn_tracklets):
    config = small_config(model=tiny_dcct(clip_frames=2), losses={"distillation": {}})
    trainer, _ = fit(config, drawn_tracklets, stop_after_steps=1)
    assert {name for name in lines(config)[0] if name.endswith("_identity")} == {
        "cnn_identity", "transformer_identity", "cca_cnn_identity", "cca_transformer_identity",
        "final_identity",
    }  # fmt: skip
    assert {"logistic_distillation", "feature_distillation"} < lines(config)[0].keys()
    assert set(trainer.objective.heads.hints) == {"cnn", "transformer"}


def test_no_parameter_waits_in_vain_for_a_gradient(small_config, drawn_tracklets):
    config = small_config(model=tiny_dcct(clip_frames=2), losses={"distillation": {}})
    trainer = Trainer(config, drawn_tracklets)
    trainer.train_step(next(iter(trainer._batches(0))))
    idle = [
        name
        for module in (trainer.network, trainer.objective)
        for name, parameter in module.named_parameters()
        if parameter.requires_grad and parameter.grad is None
    ]
    assert idle == []


def test_parts_can_be_left_without_supervision(small_config, drawn_tracklets):
    config = small_config(
        model=tiny_dcct(clip_frames=2),
        losses={"unsupervised_parts": ["cca_cnn", "cca_transformer"]},
    )
    assert set(Trainer(config, drawn_tracklets).objective.heads.classifiers) == {
        "cnn", "transformer", "final",
    }  # fmt: skip


@pytest.mark.parametrize("parts", [["cca_cnn"], ["cnn", "transformer"]])
def test_unsupervised_parts_must_exist_and_leave_some(small_config, drawn_tracklets, parts):
    with pytest.raises(ValueError, match=r"unsupervised_parts among \['cnn', 'transformer'\]"):
        Trainer(small_config(losses={"unsupervised_parts": parts}), drawn_tracklets)


@pytest.mark.parametrize("kind", ["grl", "nvan", "ste-nvan", "temporal-pooling"])
def test_one_trainer_handles_every_model(small_config, drawn_tracklets, kind):
    model = {"kind": kind, "backbone": "resnet18", "height": 64, "width": 32, "clip_frames": 4}
    if "nvan" in kind:
        model.update(nonlocal_blocks=(2, 2), stripes=4 if kind == "ste-nvan" else None)
    clips = ClipConfig(frames=4, identities=2, tracklets=2)
    config = small_config(model=model, clips=clips)
    _, weights = fit(config, drawn_tracklets, stop_after_steps=1)
    assert open_network(weights).config.kind == kind
    assert lines(config)[0]["loss"] > 0
