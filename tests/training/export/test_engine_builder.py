import pytest

from tests.artifact_factory import tiny_graph
from tests.tensorrt_double import Double
from training.export.engine_builder import BuildOptions, build_engine
from training.export.tensorrt_bindings import TensorrtError

ITEM = (64, 32, 3)
GRAPH = tiny_graph(height=64, width=32, seed=0).SerializeToString()


def build(double, path, *, workspace_mib=None):
    options = BuildOptions(
        precision="fp32",
        batch_sizes=(2, 4, 8),
        workspace_mib=workspace_mib,
        timing_cache=path / "timing.cache",
    )
    return build_engine(double, double.Logger(double.Logger.ERROR), GRAPH, ITEM, options)


def test_the_profile_goes_from_the_smallest_batch_to_the_largest(tmp_path):
    double = Double()
    assert build(double, tmp_path).endswith(GRAPH)
    assert double.profiles == [("frames", (2, *ITEM), (8, *ITEM), (8, *ITEM))]


@pytest.mark.parametrize(("version", "strong"), [("10.13.0.35", True), ("11.4.0.106", False)])
def test_every_network_is_strongly_typed(tmp_path, version, strong):
    """In version 10 by a flag; in 11 always, and the flag is out of use."""
    double = Double(version)
    build(double, tmp_path)
    number = double.NetworkDefinitionCreationFlag.STRONGLY_TYPED
    assert double.flags == [1 << number if strong else 0]


def test_single_precision_is_not_rounded_to_tf32(tmp_path):
    double = Double()
    build(double, tmp_path)
    assert double.cleared == ["TF32"]


@pytest.mark.parametrize(("mib", "limits"), [(None, {}), (512, {"WORKSPACE": 512 * 2**20})])
def test_memory_is_limited_only_where_asked(tmp_path, mib, limits):
    double = Double()
    build(double, tmp_path, workspace_mib=mib)
    assert double.limits == limits


def test_timings_are_read_and_written_back(tmp_path):
    double = Double()
    build(double, tmp_path / "new")
    assert double.known_timings == b""
    build(double, tmp_path / "new")
    assert double.known_timings == b"|timed"
    assert (tmp_path / "new/timing.cache").read_bytes() == b"|timed|timed"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["timing.cache"]


def test_timings_of_another_gpu_are_refused_and_kept(tmp_path):
    double = Double()
    double.fits = False
    cache = tmp_path / "timing.cache"
    cache.write_bytes(b"another's")
    with pytest.raises(TensorrtError) as told:
        build(double, tmp_path)
    assert str(told.value) == (
        f"expected timings of this GPU and this TensorRT in {cache}, received others; "
        "name another --timing-cache"
    )
    assert cache.read_bytes() == b"another's"


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (
            {"parses": False},
            "expected a graph that TensorRT reads, received one that it does not: no such "
            "operator; no such type; update TensorRT, or serve the graph by ONNX Runtime",
        ),
        (
            {"profile_number": -1},
            "expected a profile of batches 2 to 8, received a refusal for items of 6144 bytes; "
            "lower --batches",
        ),
        (
            {"builds": False},
            "expected an engine, received none; see what TensorRT said above, give it more memory "
            "by --workspace-mib, or choose another --precision",
        ),
    ],
)
def test_what_tensorrt_refuses_is_told(tmp_path, fault, told):
    double = Double()
    vars(double).update(fault)
    with pytest.raises(TensorrtError) as error:
        build(double, tmp_path)
    assert str(error.value) == told
    assert not list(tmp_path.iterdir())
