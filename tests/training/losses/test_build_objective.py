import pytest

from model.registry import build_model
from model.related.grl import GRLConfig
from model.related.nvan import NVANConfig
from training.losses.build_objective import build_objective
from training.losses.grl_objective import GrlObjective
from training.losses.loss_config import LossConfig
from training.losses.part_objective import PartObjective

SMALL = {"backbone": "resnet18", "height": 64, "width": 32, "clip_frames": 4}


@pytest.mark.parametrize(
    ("model", "losses", "kind"),
    [
        (GRLConfig(**SMALL), {"grl": {}}, GrlObjective),
        (GRLConfig(**SMALL), {}, PartObjective),
        (NVANConfig(**SMALL, nonlocal_blocks=(1, 1)), {}, PartObjective),
    ],
    ids=["grl's own", "grl as parts", "nvan"],
)
def test_the_configuration_chooses_the_objective(model, losses, kind):
    objective = build_objective(build_model(model), 3, LossConfig.model_validate(losses))
    assert type(objective) is kind


def test_grls_tables_and_pairs_are_as_wide_as_its_features():
    objective = build_objective(build_model(GRLConfig(**SMALL)), 3, LossConfig(grl={}))
    assert objective.high.table.shape == objective.low.table.shape == (3, 512)
    assert objective.verification.norm.num_features == 512
