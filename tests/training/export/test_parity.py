import numpy as np
import pytest

from training.export.parity import LEAST_COSINE, ParityError, check_parity

FRAMES = np.random.default_rng(0).integers(0, 256, (64, 8, 4, 3), dtype=np.uint8)
WIDTHS = (4, 2)
WEIGHTS = np.random.default_rng(1).normal(size=(8 * 4 * 3, 6)).astype(np.float32)


def run(frames):
    return (frames.reshape(len(frames), -1).astype(np.float32) - 128) @ WEIGHTS


def test_a_graph_that_is_the_network_passes():
    assert check_parity(run, run, FRAMES, widths=WIDTHS) >= LEAST_COSINE


def test_a_graph_right_only_for_one_frame_is_refused():
    """The classic: the batch was frozen at export, and every row is the first."""

    def first_row_only(frames):
        return np.repeat(run(frames[:1]), len(frames), axis=0)

    with pytest.raises(ParityError, match="expected a cosine of at least .* at batch 2"):
        check_parity(run, first_row_only, FRAMES, widths=WIDTHS)


def test_a_small_drift_in_one_row_is_refused():
    def drifting(frames):
        features = run(frames).copy()
        features[-1] += 0.05 * np.abs(features[-1]).max()
        return features

    with pytest.raises(ParityError, match="in row 0"):
        check_parity(run, drifting, FRAMES, widths=WIDTHS)


def test_a_network_that_says_the_same_of_everybody_is_refused():
    def constant(frames):
        return np.ones((len(frames), 6), dtype=np.float32)

    with pytest.raises(ParityError, match="expected different features for different frames"):
        check_parity(constant, constant, FRAMES, widths=WIDTHS)


def test_rows_that_depend_on_their_position_are_refused():
    def positional(frames):
        features = run(frames).copy()
        features[40:] = features[40:, ::-1]
        return features

    with pytest.raises(ParityError, match="at permuted rows"):
        check_parity(positional, positional, FRAMES, widths=WIDTHS)


def test_a_reused_output_buffer_is_refused():
    buffer = np.zeros((64, 6), dtype=np.float32)

    def aliasing(frames):
        buffer[: len(frames)] = run(frames)
        return buffer[: len(frames)]

    def safe(frames):
        return aliasing(frames).copy()

    with pytest.raises(ParityError, match="expected a result that later calls leave alone"):
        check_parity(safe, aliasing, FRAMES, widths=WIDTHS)


def test_features_that_are_not_finite_are_refused():
    def broken(frames):
        return np.full((len(frames), 6), np.nan, dtype=np.float32)

    with pytest.raises(ParityError, match="expected finite features of shape"):
        check_parity(run, broken, FRAMES, widths=WIDTHS)


def test_too_few_different_frames_prove_nothing():
    with pytest.raises(ValueError, match="expected 64 different frames to compare"):
        check_parity(run, run, np.repeat(FRAMES[:1], 64, axis=0), widths=WIDTHS)


def test_a_graph_that_says_nothing_is_refused():
    def zeros(frames):
        return np.zeros((len(frames), 6), dtype=np.float32)

    with pytest.raises(ParityError, match="received 0.000000 in row 0"):
        check_parity(run, zeros, FRAMES, widths=WIDTHS)


def test_a_narrow_part_counts_as_much_as_a_wide_one():
    """The embedding gives parts the same weight: an error in two columns of a thousand is seen."""
    wide = np.random.default_rng(2).normal(size=(8 * 4 * 3, 1000)).astype(np.float32)

    def network(frames):
        pixels = frames.reshape(len(frames), -1).astype(np.float32) - 128
        return np.hstack([pixels @ wide, run(frames)[:, :2]])

    def graph(frames):
        features = network(frames).copy()
        features[:, -2:] = features[:, -2:] @ np.array([[1, 0.05], [-0.05, 1]], np.float32)
        return features

    with pytest.raises(ParityError, match="expected a cosine of at least"):
        check_parity(network, graph, FRAMES, widths=(1000, 2))
    assert check_parity(network, graph, FRAMES, widths=(1002,)) >= LEAST_COSINE


def test_features_of_another_dimension_are_refused():
    with pytest.raises(ParityError, match=r"of shape \(1, 6\) at batch 1, received shape \(1, 5\)"):
        check_parity(run, lambda frames: run(frames)[:, :5], FRAMES, widths=WIDTHS)
