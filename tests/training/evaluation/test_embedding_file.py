import io
import zipfile

import numpy as np
import pytest

from tests.embedding_tables import people_table
from training.evaluation.embedding_file import read_embedding_file

PEOPLE = people_table(0, identities=3, tracklets=2)


def write(path, **changes):
    arrays = {
        "embeddings": PEOPLE.embeddings,
        "identities": PEOPLE.identities,
        "cameras": PEOPLE.cameras,
        **changes,
    }
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return path


def test_a_table_survives_the_round_trip(tmp_path):
    path = write(tmp_path / "a.npz", names=PEOPLE.names, outfits=np.array(["coat"] * 6))
    read = read_embedding_file(path, prefix="q")
    for column in ("names", "identities", "cameras"):
        assert np.array_equal(getattr(read.table, column), getattr(PEOPLE, column))
    np.testing.assert_allclose(read.table.embeddings, PEOPLE.embeddings, atol=1e-7)
    assert read.table.outfits.tolist() == ["coat"] * 6
    assert read.named
    assert read.normalized_here == 0


def test_rows_without_names_are_tracklets_of_their_own_and_cameras_may_be_unknown(tmp_path):
    cameras = np.array([-1, np.nan, 0, 1, 2, 3])
    read = read_embedding_file(write(tmp_path / "a.npz", cameras=cameras), prefix="query ")
    assert read.table.names.tolist() == [f"query {row}" for row in range(6)]
    assert not read.named
    assert np.isnan(read.table.cameras[:2]).all()
    assert read.table.cameras[2:].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int64])
def test_embeddings_of_any_length_and_kind_are_normalised_and_counted(tmp_path, dtype):
    scaled = (PEOPLE.embeddings * 100).astype(dtype)
    read = read_embedding_file(write(tmp_path / "a.npz", embeddings=scaled), prefix="q")
    np.testing.assert_allclose(read.table.embeddings, PEOPLE.embeddings, atol=0.02)
    assert read.table.embeddings.dtype == np.float32
    assert read.normalized_here == 6


@pytest.mark.parametrize(
    ("dtype", "scale"),
    [(np.float32, 1e-36), (np.float32, 1e36), (np.float64, 1e-300), (np.float64, 1e300)],
)
def test_no_length_overflows_or_vanishes(tmp_path, dtype, scale):
    scaled = (PEOPLE.embeddings.astype(np.float64) * scale).astype(dtype)
    read = read_embedding_file(write(tmp_path / "a.npz", embeddings=scaled), prefix="q")
    np.testing.assert_allclose(read.table.embeddings, PEOPLE.embeddings, atol=1e-4)
    assert read.normalized_here == 6


def test_normalising_costs_no_more_than_rounding_to_float32(tmp_path):
    """A length summed in float32 would turn the order of near matches."""
    rows = np.random.default_rng(0).normal(3.0, 1.0, (50, 2000)).astype(np.float32)
    path = write(
        tmp_path / "a.npz", embeddings=rows, identities=np.arange(50), cameras=np.arange(50)
    )
    exact = rows.astype(np.float64)
    exact /= np.linalg.norm(exact, axis=1, keepdims=True)
    read = read_embedding_file(path, prefix="q").table.embeddings
    assert np.array_equal(read, exact.astype(np.float32))


def broken(value):
    embeddings = PEOPLE.embeddings.copy()
    embeddings[4] = value
    return embeddings


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cameras": None, "identities": None}, "a file without identities, cameras"),
        ({"embeddings": np.ones(6)}, r"expected embeddings \[n, d\], received shape \(6,\)"),
        (
            {"cameras": np.ones(5), "names": PEOPLE.names},
            r"received embeddings \(6, 16\), identities \(6,\), cameras \(5,\), names \(6,\)",
        ),
        ({"identities": np.ones((6, 1), int)}, r"one row per tracklet .* identities \(6, 1\)"),
        ({"identities": np.full(6, 1.5)}, "expected identities as whole numbers"),
        ({"identities": np.full(6, np.nan)}, "expected identities as whole numbers"),
        ({"identities": np.array(["a"] * 6)}, "expected identities as numbers, received <U1"),
        ({"identities": np.full(6, 1e300)}, "expected identities as whole numbers"),
        ({"identities": np.full(6, 2**63 + 1, np.uint64)}, "expected identities as whole numbers"),
        ({"cameras": np.full(6, 1.5)}, "expected cameras as whole numbers.* received 1.5"),
        ({"cameras": np.full(6, np.inf)}, "expected cameras as whole numbers.* received inf"),
        ({"cameras": np.array(["c"] * 6)}, "expected cameras as numbers"),
        ({"names": np.ones(6)}, "expected names as text, received float64"),
        ({"names": np.array(["a"] * 6)}, "expected every name once, received 'a'"),
        ({"embeddings": broken(0)}, "received length 0.0 in row 4 of .* and 0 more"),
        ({"embeddings": broken(np.nan)}, "received length nan in row 4"),
        ({"embeddings": np.full((6, 2), "x")}, "expected embeddings of numbers"),
        ({"names": np.array([None] * 6)}, "received Python objects .* could run code when read"),
    ],
)
def test_every_other_file_is_refused_with_what_is_wrong(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        read_embedding_file(write(tmp_path / "a.npz", **changes), prefix="q")


def test_no_file_and_no_archive_are_refused(tmp_path):
    with pytest.raises(ValueError, match="expected an .npz at .*, received no file"):
        read_embedding_file(tmp_path / "none.npz", prefix="q")
    np.save(tmp_path / "one.npy", np.ones(3))
    with pytest.raises(ValueError, match="received a file of another kind"):
        read_embedding_file(tmp_path / "one.npy", prefix="q")
    whole = write(tmp_path / "a.npz").read_bytes()
    damaged = tmp_path / "damaged.npz"
    damaged.write_bytes(whole[:200] + bytes(100) + whole[300:])
    with pytest.raises(ValueError, match="received one that cannot be read"):
        read_embedding_file(damaged, prefix="q")


def promising(shape):
    """An array's header without the array."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f8", "fortran_order": False, "shape": shape}
    )
    return header.getvalue()


@pytest.mark.parametrize(
    "content",
    [b"", b"no array", promising((6, 2)), promising((10**12, 10**3))],
    ids=["nothing", "text", "a header alone", "more than any memory"],
)
def test_an_archive_of_anything_else_is_refused(tmp_path, content):
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("embeddings", "identities", "cameras"):
            archive.writestr(f"{name}.npy", content)
    with pytest.raises(ValueError, match=r"expected an \.npz at .*, received one that cannot be"):
        read_embedding_file(path, prefix="q")
