"""The service runs without torch, timm, onnx and the training code: checked in new interpreters."""

import subprocess
import sys
from pathlib import Path

from tests.artifact_factory import write_tiny_artifact

ROOT = Path(__file__).resolve().parent.parent.parent

FORBIDDEN = "('torch', 'torchvision', 'timm', 'onnx', 'onnxscript', 'training')"

EMBED = f"""
import asyncio, io, sys
from pathlib import Path
from PIL import Image
from service.app import create_app
from service.media.tracklet_source import EncodedFrames
from service.runtime import open_runtime
from service.settings import Settings

async def embed():
    settings = Settings(artifact_dir=Path(sys.argv[1]), data_dir=Path(sys.argv[2]))
    create_app(settings)
    picture = io.BytesIO()
    Image.new("RGB", (32, 64), (200, 30, 30)).save(picture, "PNG")
    async with open_runtime(settings, lambda phase: None) as runtime:
        embedded = await runtime.embed(EncodedFrames((picture.getvalue(),)))
        await runtime.gallery.health()
        return len(embedded.embedding)

print(asyncio.run(embed()))
loaded = sorted(n for n in sys.modules if n.split(".")[0] in {FORBIDDEN})
assert not loaded, loaded
"""

HELP = f"""
import sys
from service.__main__ import main
sys.argv = ["reid", "--help"]
try:
    main()
except SystemExit:
    pass
heavy = ("numpy", "faiss", "onnxruntime", "fastapi", "httpx", "PIL") + {FORBIDDEN}
loaded = sorted(n for n in sys.modules if n.split(".")[0] in heavy)
assert not loaded, loaded
"""


def run(code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_full_embedding_loads_none_of_the_training_world(tmp_path):
    write_tiny_artifact(tmp_path / "artifact")
    assert run(EMBED, str(tmp_path / "artifact"), str(tmp_path / "data")).strip() == "20"


def test_help_loads_nothing_heavy():
    assert "enroll" in run(HELP)


def test_the_client_loads_no_server():
    heavy = "('faiss', 'onnxruntime', 'fastapi', 'uvicorn', 'PIL')"
    run(
        "import sys, service.client.folder_commands\n"
        f"loaded = sorted(n for n in sys.modules if n.split('.')[0] in {heavy})\n"
        "assert not loaded, loaded"
    )
