import pytest
import torch
from torch import nn

from model.registry import build_model
from tests.tiny_models import tiny_dcct
from training.batch_gradient import BatchGradient, finite, unmoved_buffers
from training.data.clip_dataset import Clip
from training.losses.build_objective import build_objective
from training.losses.gathering import join_features
from training.losses.loss_config import LossConfig
from training.precision import Precision

LOSSES = LossConfig.model_validate({"distillation": {}})


@pytest.fixture(scope="module")
def clips():
    """Sixteen clips of eight identities."""
    generator = torch.Generator().manual_seed(0)
    frames = torch.randn(16, 2, 3, 64, 32, generator=generator, dtype=torch.float64)
    return Clip(frames, torch.arange(8).repeat_interleave(2))


def parts(**changes):
    """A whole DCCT with self-distillation, in double precision."""
    torch.manual_seed(0)
    network = build_model(tiny_dcct(clip_frames=2, **changes)).double()
    objective = build_objective(network, 8, LOSSES).double()
    return network, objective


def taught_parts():
    """A student of the light kind that learns from a teacher of 32 frames too."""
    torch.manual_seed(0)
    network = build_model(tiny_dcct(clip_frames=2, spatial="gap", temporal="tap")).double()
    teacher = {
        "embeddings": "teacher.safetensors",
        "graph_sha256": "0" * 64,
    }
    losses = LossConfig.model_validate({"teacher": teacher})
    rows = torch.randn(32, 5, generator=torch.Generator().manual_seed(3))
    objective = build_objective(
        network, 8, losses, teacher_rows=torch.nn.functional.normalize(rows, dim=1)
    )
    return network, objective.double()


def gradient_of(network, objective, clips, *, pieces):
    gradient = BatchGradient(
        network, objective, Precision("fp32", torch.device("cpu")), pieces=pieces
    )
    seen = gradient.compute(clips)
    return seen, gradients(network, objective)


def gradients(*modules):
    return {
        f"{number}.{name}": parameter.grad
        for number, module in enumerate(modules)
        for name, parameter in module.named_parameters()
    }


def require_equal(received, expected):
    assert received.keys() == expected.keys()
    for name, gradient in expected.items():
        if gradient is None:
            assert received[name] is None, name
        else:
            torch.testing.assert_close(received[name], gradient, rtol=1e-8, atol=1e-10, msg=name)


def test_eight_clips_twice_equal_sixteen_at_once(clips):
    """Where batch statistics are frozen nothing else tells the pieces apart."""
    whole, halves = parts(), parts()
    for network, _ in (whole, halves):
        network.eval()
    at_once, expected = gradient_of(*whole, clips, pieces=1)
    in_two, received = gradient_of(*halves, clips, pieces=2)
    assert in_two.objective.terms.keys() == at_once.objective.terms.keys()
    for name, term in at_once.objective.terms.items():
        torch.testing.assert_close(in_two.objective.terms[name], term)
    require_equal(received, expected)


def test_a_loss_of_each_half_alone_would_be_another(clips):
    """Batch-hard triplet and the hints' batch statistics are why pieces are put together."""
    network, objective = parts()
    network.eval()
    whole, _ = gradient_of(network, objective, clips, pieces=1)
    halves = [
        gradient_of(network, objective, Clip(*half), pieces=1)[0].objective.total
        for half in zip(clips.frames.chunk(2), clips.identity.chunk(2), strict=True)
    ]
    assert abs(sum(halves) / 2 - whole.objective.total) > 1e-3


def test_pieces_in_training_mode_are_those_of_one_long_graph(clips):
    """The two passes draw the same stochastic depth and use the same batch statistics."""
    reference, cached = parts(drop_path=0.5), parts(drop_path=0.5)
    torch.manual_seed(1)
    network, objective = reference
    pieces = [network.train()(piece) for piece in clips.frames.chunk(4)]
    objective(join_features(pieces), clips.identity).total.backward()
    torch.manual_seed(1)
    cached[0].train()
    _, received = gradient_of(*cached, clips, pieces=4)
    require_equal(received, gradients(network, objective))
    for before, after in zip(network.buffers(), cached[0].buffers(), strict=True):
        torch.testing.assert_close(after, before)


def test_pieces_have_to_divide_the_batch(clips):
    with pytest.raises(ValueError, match="accumulate to divide the 16 clips .*, received 3; "):
        gradient_of(*parts(), clips, pieces=3)


def test_buffers_are_put_back():
    norm = nn.BatchNorm1d(2)
    before = {name: buffer.clone() for name, buffer in norm.named_buffers()}
    with unmoved_buffers(norm), torch.no_grad():
        norm(torch.rand(4, 2))
        assert norm.num_batches_tracked == 1
    assert all(torch.equal(buffer, before[name]) for name, buffer in norm.named_buffers())


def test_the_layout_of_frames_changes_no_bit():
    network, objective = (module.float() for module in parts())
    network.eval()
    frames = torch.rand(4, 2, 3, 64, 32)
    last = frames.flatten(0, 1).contiguous(memory_format=torch.channels_last)
    identities = torch.tensor([0, 0, 1, 1])
    losses = [
        gradient_of(network, objective, Clip(laid_out, identities), pieces=1)[0].objective.total
        for laid_out in (frames, last.unflatten(0, (4, 2)))
    ]
    assert torch.equal(*losses)


def test_what_is_not_finite_is_refused_with_its_name():
    assert finite("loss", 1.5) == 1.5
    with pytest.raises(FloatingPointError, match="expected a finite loss, received inf; lower"):
        finite("loss", float("inf"))


def test_a_teacher_sees_the_whole_batch_however_it_is_cut(clips):
    numbered = clips._replace(frame_numbers=torch.arange(32).reshape(16, 2).flip(0))
    results = []
    for pieces in (1, 2):
        network, objective = taught_parts()
        results.append(gradient_of(network.eval(), objective, numbered, pieces=pieces))
    (whole, expected), (cut, received) = results
    network, objective = taught_parts()
    itself = objective(network.eval()(clips.frames), clips.identity, numbered.frame_numbers)
    torch.testing.assert_close(whole.objective.terms, itself.terms)
    assert whole.objective.terms["teacher_similarity"] > 0
    torch.testing.assert_close(cut.objective.terms, whole.objective.terms)
    require_equal(received, expected)
    assert expected["1.teacher.projection.weight"].abs().sum() > 0
