import pytest
import torch
from torch.nn import functional

from model.features import TrackletFeatures, embedding
from model.registry import build_model
from tests.tiny_models import TINY_WIDTHS, tiny_dcct
from training.losses.loss_config import LossConfig, TeacherConfig
from training.losses.part_objective import PartObjective
from training.losses.teacher_matching import (
    TeacherMatching,
    regression,
    similarity_difference,
)

FILE = {
    "embeddings": "teacher.safetensors",
    "graph_sha256": "0" * 64,
}
WIDTHS = {"cnn": 6, "transformer": 4}
NUMBERS = torch.tensor([[0, 1], [2, 3], [4, 5]])


def unit_rows(count=6, columns=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return functional.normalize(torch.randn(count, columns, generator=generator), dim=1)


def random_features(seed=1):
    generator = torch.Generator().manual_seed(seed)
    frames = {
        name: torch.randn(3, 2, columns, generator=generator, requires_grad=True)
        for name, columns in WIDTHS.items()
    }
    parts = {name: rows.mean(dim=1) for name, rows in frames.items()}
    return TrackletFeatures(frames, frames, parts, parts, {})


def matching(rows=None, parts=WIDTHS, **changes):
    torch.manual_seed(0)
    config = TeacherConfig.model_validate({**FILE, **changes})
    return TeacherMatching(parts, unit_rows() if rows is None else rows, config)


def test_a_perfect_student_costs_nothing():
    taught = unit_rows()
    assert regression(3 * taught, taught).item() == pytest.approx(0, abs=1e-6)
    turned = taught @ torch.linalg.qr(torch.randn(5, 5)).Q
    assert similarity_difference(turned, taught).item() == pytest.approx(0, abs=1e-12)


def test_regression_is_one_minus_the_mean_cosine():
    taught = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    learned = torch.tensor([[2.0, 0.0], [5.0, 0.0], [-1.0, 0.0]])
    assert regression(learned, taught).item() == pytest.approx(1 - (1 + 0 - 1) / 3)


def test_similarities_differ_by_their_mean_square_off_the_diagonal():
    learned = torch.tensor([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
    taught = torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    expected = (0.4**2 + 1 + 0.2**2) / 3
    assert similarity_difference(learned, taught).item() == pytest.approx(expected)
    # Lengths that are wrong, which only the diagonal would show, cost nothing.
    alone = similarity_difference(torch.tensor([[1.0, 0.0], [0.0, 9.0]]), torch.eye(2))
    assert alone.item() == 0


def test_no_gradient_reaches_the_teacher():
    taught = unit_rows().requires_grad_()
    learned = unit_rows(seed=3).requires_grad_()
    (regression(learned, taught) + similarity_difference(learned, taught)).backward()
    assert taught.grad is None
    assert learned.grad.abs().sum() > 0
    assert not matching().rows.requires_grad


def test_each_frame_is_compared_with_its_own_row_and_weights_multiply():
    features, teacher = random_features(), matching(regression_weight=3, similarity_weight=7)
    terms = teacher(features, NUMBERS.flip(1))
    frames = {name: rows.flatten(0, 1) for name, rows in features.frame_features.items()}
    target = unit_rows()[NUMBERS.flip(1).flatten()]
    projected = teacher.projection(embedding(frames))
    expected = 3 * (1 - functional.cosine_similarity(projected, target).mean())
    torch.testing.assert_close(terms["teacher_regression"], expected)
    clips = functional.normalize(unit_rows()[NUMBERS].mean(dim=1), dim=1)
    expected = 7 * similarity_difference(embedding(features.parts), clips)
    torch.testing.assert_close(terms["teacher_similarity"], expected)


def test_a_part_of_the_clip_learns_the_mean_of_its_frames():
    features = random_features()
    features = features._replace(frame_features={"cnn": features.frame_features["cnn"]})
    teacher = matching(similarity_weight=0)
    (term,) = teacher(features, NUMBERS).values()
    projected = teacher.projection(embedding(features.parts))
    torch.testing.assert_close(term, regression(projected, unit_rows()[NUMBERS].mean(dim=1)))


def test_only_named_parts_learn():
    features = random_features()
    sum(matching(parts={"cnn": 6})(features, NUMBERS).values()).backward()
    assert features.frame_features["cnn"].grad.abs().sum() > 0
    assert features.frame_features["transformer"].grad is None


@pytest.mark.parametrize("left_out", ["regression", "similarity"])
def test_a_term_of_weight_nothing_is_left_out(left_out):
    terms = matching(**{f"{left_out}_weight": 0})(random_features(), NUMBERS)
    assert f"teacher_{left_out}" not in terms
    assert len(terms) == 1


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return build_model(tiny_dcct(clip_frames=2, spatial="gap", temporal="tap"))


def objective(network, rows=None, **changes):
    config = LossConfig.model_validate({"teacher": {**FILE, **changes}})
    return PartObjective(network, 3, config, teacher_rows=rows)


def test_its_terms_join_the_objective_and_its_head_learns(network):
    taught = objective(network, unit_rows())
    assert taught.teacher.projection.weight.shape == (5, sum(TINY_WIDTHS.values()))
    assert "teacher.rows" not in taught.state_dict()
    features = network(torch.randn(3, 2, 3, 64, 32))
    identities = torch.tensor([0, 0, 1])
    seen = taught(features, identities, NUMBERS)
    plain = PartObjective(network, 3, LossConfig())
    plain.load_state_dict(taught.state_dict(), strict=False)
    added = sum(seen.terms[f"teacher_{name}"] for name in ("regression", "similarity"))
    torch.testing.assert_close(seen.total, plain(features, identities).total + added)
    seen.total.backward()
    assert taught.teacher.projection.weight.grad.abs().sum() > 0


def test_what_cannot_be_learned_is_refused(network):
    with pytest.raises(ValueError, match="expected the rows of losses.teacher, received none"):
        objective(network)
    with pytest.raises(ValueError, match=r"teacher.parts among \['cnn', 'transformer'\], received"):
        objective(network, unit_rows(), parts=("final",))
    taught = objective(network, unit_rows())
    with pytest.raises(ValueError, match="expected the numbers of the clips' frames"):
        taught(network(torch.randn(2, 2, 3, 64, 32)), torch.tensor([0, 1]))
