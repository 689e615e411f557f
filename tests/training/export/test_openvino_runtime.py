import subprocess
import sys

from tests.foreign_graphs import write_ir
from training.export.openvino_runtime import compile_exactly, openvino_runtime

IMPORTS = """
import sys
from training.export.openvino_runtime import openvino_runtime
openvino_runtime()
assert sys.modules["openvino.tools.ovc"] is None
assert not [name for name in sys.modules if "telemetry" in name]
"""


def test_the_import_tells_nobody():
    subprocess.run([sys.executable, "-c", IMPORTS], check=True, timeout=120)


def test_it_computes_in_single_precision_on_cores_it_shares(tmp_path):
    compiled = compile_exactly(openvino_runtime().Core().read_model(write_ir(tmp_path)))
    assert compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name() == "f32"
    assert compiled.get_property("ENABLE_CPU_PINNING") is False
