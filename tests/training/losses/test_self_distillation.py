import pytest
import torch

from training.losses.self_distillation import feature_distillation, logistic_distillation


@pytest.fixture
def logits():
    torch.manual_seed(0)
    students = {name: torch.randn(4, 3, 5, requires_grad=True) for name in ("cnn", "transformer")}
    return torch.randn(4, 5, requires_grad=True), students


@pytest.mark.parametrize("temperature", [1.0, 0.3])
def test_logistic_distillation_is_the_written_out_divergence(logits, temperature):
    teacher, students = logits
    target = (teacher / temperature).softmax(1)
    expected = 0.0
    for rows in students.values():
        for t in range(3):
            predicted = (rows[:, t] / temperature).softmax(1)
            expected = expected + (target * (target / predicted).log()).sum(1).mean() / 3
    received = logistic_distillation(teacher, students, temperature=temperature)
    torch.testing.assert_close(received, expected)


def test_a_frame_that_agrees_with_its_clip_costs_nothing():
    teacher = torch.randn(2, 4)
    agreeing = {"cnn": teacher.unsqueeze(1).expand(2, 3, 4)}
    assert logistic_distillation(teacher, agreeing, temperature=1.0).item() == pytest.approx(0)
    assert feature_distillation(teacher, agreeing, distance="norm").item() == 0
    assert feature_distillation(teacher, agreeing, distance="mse").item() == 0


def test_no_gradient_of_logistic_distillation_reaches_the_teacher(logits):
    teacher, students = logits
    logistic_distillation(teacher, students, temperature=1.0).backward()
    assert teacher.grad is None
    for rows in students.values():
        assert rows.grad.abs().sum() > 0


@pytest.mark.parametrize("distance", ["norm", "mse"])
def test_no_gradient_of_feature_distillation_reaches_the_teacher(logits, distance):
    teacher, students = logits
    feature_distillation(teacher, students, distance=distance).backward()
    assert teacher.grad is None
    for rows in students.values():
        assert rows.grad.abs().sum() > 0


def test_logistic_distillation_asks_the_students_for_the_teachers_distribution(logits):
    """KL(teacher ‖ student), whose gradient for a student's logits is student − teacher."""
    teacher, students = logits
    logistic_distillation(teacher, students, temperature=1.0).backward()
    for rows in students.values():
        expected = (rows.softmax(dim=2) - teacher.softmax(dim=1).unsqueeze(1)) / 12
        torch.testing.assert_close(rows.grad, expected.detach())


def test_feature_distillation_is_a_mean_of_norms_over_frames(logits):
    teacher, students = logits
    expected = sum(
        (rows[b, t] - teacher[b]).norm() / 12
        for rows in students.values()
        for b in range(4)
        for t in range(3)
    )
    torch.testing.assert_close(feature_distillation(teacher, students, distance="norm"), expected)


def test_the_mean_square_is_over_columns_and_frames(logits):
    teacher, students = logits
    expected = sum((rows - teacher[:, None]).square().mean() for rows in students.values())
    torch.testing.assert_close(feature_distillation(teacher, students, distance="mse"), expected)


@pytest.mark.parametrize("distance", ["norm", "mse"])
def test_neither_loss_depends_on_the_size_of_the_batch(logits, distance):
    """The reference takes one norm of the whole tensor, which grows with the batch."""
    teacher, students = logits
    twice = {name: torch.cat([rows, rows]) for name, rows in students.items()}
    both = torch.cat([teacher, teacher])
    torch.testing.assert_close(
        feature_distillation(both, twice, distance=distance),
        feature_distillation(teacher, students, distance=distance),
    )
    torch.testing.assert_close(
        logistic_distillation(both, twice, temperature=1.0),
        logistic_distillation(teacher, students, temperature=1.0),
    )
