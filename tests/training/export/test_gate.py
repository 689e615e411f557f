"""Every law of the gate, by graphs that break it alone."""

import numpy as np
import pytest

from model.manifest import EmbeddingPart, OutputTensor
from training.export.gate import BOUNDS, GateError, Reference, largest_batch, pass_gate
from training.export.mini_gallery import answers

PARTS = (EmbeddingPart(name="cnn", dimension=4), EmbeddingPart(name="transformer", dimension=2))
LARGEST = largest_batch(None)
PIXELS = 32 * 16 * 3
WEIGHTS = np.random.default_rng(1).normal(size=(PIXELS, 6)).astype(np.float32)


def output_of(*parts):
    return OutputTensor(
        name="features",
        dimension=sum(part.dimension for part in parts),
        normalised=True,
        metric="cosine",
        pooling="mean",
        parts=parts,
    )


OUTPUT = output_of(*PARTS)


def run(frames):
    return (frames.reshape(len(frames), -1).astype(np.float32) - 128) @ WEIGHTS


def judge(network, graph, gallery, *, output=OUTPUT, precision="fp32"):
    expected = answers(network, gallery, output, largest=LARGEST)
    reference = Reference(
        expected.rows[:LARGEST], expected.embeddings, expected.mean_average_precision
    )
    return pass_gate(graph, reference, gallery=gallery, output=output, bounds=BOUNDS[precision])


def test_a_graph_that_is_the_network_passes(drawn):
    measured = judge(run, run, drawn)
    assert measured.least_cosine >= 0.999999
    assert 0 < measured.mean_average_precision < 100


def test_a_graph_right_only_for_one_frame_is_refused(drawn):
    """The classic: the batch was frozen at export, and every row is the first."""

    def first_row_only(frames):
        return np.repeat(run(frames[:1]), len(frames), axis=0)

    with pytest.raises(GateError, match="expected a cosine of at least .* at batch 2"):
        judge(run, first_row_only, drawn)


@pytest.mark.parametrize("wrong", [1, 2, 7, LARGEST])
def test_a_graph_wrong_at_one_size_of_batch_is_refused(drawn, wrong):
    def sized(frames):
        return run(frames)[:, ::-1] if len(frames) == wrong else run(frames)

    with pytest.raises(GateError, match=f"at batch {wrong}, received"):
        judge(run, sized, drawn)


def test_a_small_drift_in_one_row_is_refused(drawn):
    def drifting(frames):
        features = run(frames).copy()
        features[-1] += 0.05 * np.abs(features[-1]).max()
        return features

    with pytest.raises(GateError, match="in row 0"):
        judge(run, drifting, drawn)


def test_a_network_that_says_the_same_of_everybody_is_refused(drawn):
    def constant(frames):
        return np.ones((len(frames), 6), dtype=np.float32)

    with pytest.raises(GateError, match="expected different features for different frames"):
        judge(constant, constant, drawn)


def test_rows_that_depend_on_their_position_are_refused(drawn):
    def positional(frames):
        features = run(frames).copy()
        features[40:] = features[40:, ::-1]
        return features

    with pytest.raises(GateError, match="at permuted rows"):
        judge(positional, positional, drawn)


def test_a_reused_output_buffer_is_refused(drawn):
    buffer = np.zeros((LARGEST, 6), dtype=np.float32)

    def aliasing(frames):
        buffer[: len(frames)] = run(frames)
        return buffer[: len(frames)]

    # Permuting copies rows out of the buffer as well: only keeping a result shows it.
    with pytest.raises(GateError, match="expected a result that later calls leave alone"):
        judge(run, aliasing, drawn)


def test_features_that_are_not_finite_are_refused(drawn):
    def broken(frames):
        return np.full((len(frames), 6), np.nan, dtype=np.float32)

    with pytest.raises(GateError, match="expected finite features of shape"):
        judge(run, broken, drawn)


def test_a_graph_that_says_nothing_is_refused(drawn):
    def zeros(frames):
        return np.zeros((len(frames), 6), dtype=np.float32)

    with pytest.raises(GateError, match="received 0.000000 in row 0"):
        judge(run, zeros, drawn)


def test_features_of_another_dimension_are_refused(drawn):
    with pytest.raises(GateError, match=r"of shape \(1, 6\) at batch 1, received shape \(1, 5\)"):
        judge(run, lambda frames: run(frames)[:, :5], drawn)


def test_a_narrow_part_counts_as_much_as_a_wide_one(drawn):
    """The embedding gives parts the same weight: an error in two columns of a thousand is seen."""
    wide = np.random.default_rng(2).normal(size=(PIXELS, 1000)).astype(np.float32)

    def network(frames):
        pixels = frames.reshape(len(frames), -1).astype(np.float32) - 128
        return np.hstack([pixels @ wide, run(frames)[:, :2]])

    def graph(frames):
        features = network(frames).copy()
        features[:, -2:] = features[:, -2:] @ np.array([[1, 0.05], [-0.05, 1]], np.float32)
        return features

    parts = EmbeddingPart(name="a", dimension=1000), EmbeddingPart(name="b", dimension=2)
    with pytest.raises(GateError, match="expected a cosine of at least"):
        judge(network, graph, drawn, output=output_of(*parts))
    whole = output_of(EmbeddingPart(name="a", dimension=1002))
    assert judge(network, graph, drawn, output=whole).least_cosine >= 0.9999


def test_a_graph_right_for_the_first_frames_alone_is_refused(drawn):
    """Batches show the first 64 frames; the other people of the gallery are compared as well."""
    first = {frame.tobytes() for frame in drawn.items[:LARGEST]}

    def forgetful(frames):
        known = np.array([[frame.tobytes() in first] for frame in frames])
        return np.where(known, run(frames), run(frames)[:, ::-1])

    with pytest.raises(GateError, match="in every row at the mini-gallery, received"):
        judge(run, forgetful, drawn)


def test_a_graph_that_finds_other_people_is_refused(drawn):
    """Every row within its bound, and yet the ranking is another: similar people change places."""
    expected = answers(run, drawn, OUTPUT, largest=LARGEST)
    better = Reference(
        expected.rows[:LARGEST], expected.embeddings, expected.mean_average_precision + 0.2
    )
    with pytest.raises(GateError, match=r"expected a mAP within 0\.1 points of .* on the mini-gal"):
        pass_gate(run, better, gallery=drawn, output=OUTPUT, bounds=BOUNDS["fp32"])
    pass_gate(run, better, gallery=drawn, output=OUTPUT, bounds=BOUNDS["int8"])


@pytest.mark.parametrize(
    ("precision", "passes", "refused"),
    [("fp32", 0.01, 0.02), ("fp16", 0.04, 0.06), ("int8", 0.19, 0.21)],
)
def test_each_precision_has_a_bound_of_its_own(drawn, precision, passes, refused):
    """A part turned by an angle keeps its cosine: 1 - angle²/2."""

    def turned(angle):
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])

        def graph(frames):
            features = run(frames).copy()
            features[:, -2:] = features[:, -2:] @ turn.astype(np.float32)
            return features

        return graph

    assert judge(run, turned(passes), drawn, precision=precision).least_cosine < 0.99996
    remedy = "the graph is broken" if precision == "fp32" else "choose a higher precision, quantize"
    with pytest.raises(GateError, match=f"expected a cosine of at least .*; {remedy}"):
        judge(run, turned(refused), drawn, precision=precision)


def test_equal_frames_prove_nothing(drawn):
    reference = Reference(run(drawn.items[:3]), run(drawn.items[:3]), 50.0)
    with pytest.raises(ValueError, match="expected at least 7 items, all different, to compare"):
        pass_gate(run, reference, gallery=drawn, output=OUTPUT, bounds=BOUNDS["fp32"])


@pytest.mark.parametrize(("clip", "largest"), [(None, 64), (4, 16), (8, 8), (32, 8)])
def test_the_largest_batch_is_of_about_as_many_frames(clip, largest):
    assert largest_batch(clip) == largest
