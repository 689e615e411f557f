"""From drawn people to an answer over HTTP: each command of the chain, then the service itself.

One small DCCT is trained; its student is a graph of frames, the whole of it one of clips. Both are
judged, exported and verified by the command line, and served by a process of their own.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from model.manifest import load_manifest
from model.weights import open_network
from tests.live_service import live_service
from tests.people import parts_of
from training.__main__ import app
from training.data.frame_reading import read_frame
from training.data.synthetic import SyntheticWorld
from training.evaluation.embed import embed_frames

SIZE = (64, 32)
FRAMES_PER_CLIP = {"student": None, "whole": 2}
KINDS = tuple(FRAMES_PER_CLIP)
# Of ten frames: all of them, or one clip of the middle frames of equal spans.
SEEN = {"student": range(10), "whole": (2, 7)}
CARD = "name: tiny\nversion: '1'\ndata: drawn people\ndata_licence: none\ntraining: a moment\n"


def reid_train(*arguments):
    """What the program prints; it must succeed."""
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


@dataclass(frozen=True)
class Chain:
    """Weights of both kinds, and the artifacts made of them."""

    folder: Path

    def weights(self, kind):
        return self.folder / kind / "weights.safetensors"

    def report(self, kind):
        return json.loads((self.folder / f"{kind}.json").read_text())

    def artifact(self, kind):
        return self.folder / f"{kind}-artifact"


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    """Trained, taken, judged and exported as a person would do it."""
    folder = tmp_path_factory.mktemp("chain")
    height, width = SIZE
    world = ("--identities", 6, "--cameras", 3, "--frames", 4)
    reid_train("data", "synthesize", folder / "market", *world, "--layout", "market1501")
    root = folder / "market" / "bounding_box_train"
    config, card = folder / "run.yaml", folder / "card.yaml"
    config.write_text(
        f"run_dir: {folder / 'whole'}\n"
        "model: {kind: dcct, cnn: test_efficientnet, transformer: test_vit, clip_frames: 2,\n"
        f"  spatial: cca, temporal: hta, height: {height}, width: {width}}}\n"
        f"data: {{name: market1501, root: {root}, validation_identities: 2}}\n"
        "clips: {frames: 2, identities: 2, tracklets: 2}\n"
        "losses: {distillation: {}}\n"
        "optimizer: {epochs: 1, steps_per_epoch: 4}\n"
    )
    card.write_text(CARD)
    chain = Chain(folder)
    reid_train("train", config)
    reid_train("student", chain.weights("whole"), chain.weights("student"))
    held_out = ("--root", root, "--validation-identities", 2)
    for kind in KINDS:
        weights, artifact = chain.weights(kind), chain.artifact(kind)
        report = folder / f"{kind}.json"
        report.write_text(reid_train("evaluate", weights, *held_out, "--json"))
        reid_train("export", weights, artifact, "--card", card, "--report", report)
    return chain


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """Files of ten frames of three people whom training never saw, larger than the input."""
    folder = tmp_path_factory.mktemp("people")
    world = SyntheticWorld(seed=9, identities=3, cameras=1, height=96, width=48)
    for person in range(world.identities):
        for place, frame in enumerate(world.tracklet(person, 0, frames=10).frames):
            Image.fromarray(frame).save(folder / f"person-{person}_{place}.png")
    return [sorted(folder.glob(f"person-{person}_*")) for person in range(world.identities)]


@pytest.mark.parametrize("kind", KINDS)
def test_verify_repeats_the_gate_and_the_manifest_tells_the_results(chain, kind):
    manifest = load_manifest(chain.artifact(kind))
    (split,) = chain.report(kind)["splits"]
    assert split["valid_queries"] == split["gallery"] == 6
    assert manifest.provenance.rank_1 == split["methods"]["full"]["rank_1"]
    assert manifest.preprocessing.frames_per_clip == FRAMES_PER_CLIP[kind]
    assert [part.name for part in manifest.output.parts][:2] == ["cnn", "transformer"]
    told = reid_train("verify", chain.artifact(kind))
    assert manifest.model.fingerprint in told.splitlines()
    assert "drawn        as at the export" in told


def uploaded(paths, **fields):
    parts = parts_of([path.read_bytes() for path in paths])
    return [*parts, *((name, (None, json.dumps(value))) for name, value in fields.items())]


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_trained_is_what_answers(chain, people, kind, tmp_path):
    manifest = load_manifest(chain.artifact(kind))
    network = open_network(chain.weights(kind))
    height, width = SIZE
    with (
        live_service(chain.artifact(kind), tmp_path) as service,
        httpx.Client(base_url=service.url) as http,
    ):
        assert http.get("/model").json()["fingerprint"] == manifest.model.fingerprint
        for number, paths in enumerate(people):
            metadata = {"identity": f"person-{number}", "camera": "hall"}
            put = http.put(
                f"/galleries/default/tracklets/{number}",
                files=uploaded(paths[::2], metadata=metadata),
            )
            assert put.status_code == 201, put.text
        for number, paths in enumerate(people):
            served = http.post("/embed", files=uploaded(paths)).json()["embedding"]
            frames = [read_frame(paths[i], height=height, width=width) for i in SEEN[kind]]
            assert float(np.array(served) @ embed_frames(network, np.stack(frames))) >= 0.9999

            query = {"gallery": "default", "top_k": 1}
            answer = http.post("/search", files=uploaded(paths[1::2], query=query)).json()
            assert [one["identity"] for one in answer["matches"]] == [f"person-{number}"]


def test_a_graph_changed_on_the_way_is_served_to_nobody(chain, tmp_path):
    name = "model.onnx"
    artifact = shutil.copytree(chain.artifact("student"), tmp_path / "artifact")
    content = bytearray((artifact / name).read_bytes())
    content[-1] ^= 1
    (artifact / name).write_bytes(content)
    verified = CliRunner().invoke(app, ["verify", str(artifact), "--json"])
    assert (verified.exit_code, verified.stdout) == (1, "")
    with live_service(artifact, tmp_path / "data", wait_ready=False) as service:
        assert service.process.wait(30) == 1
    told = [line["event"] for line in service.lines if str(line["event"]).startswith("reid:")]
    for refusal in (" ".join(verified.stderr.split()), *told):
        assert f"expected '{name}' with sha256" in refusal
    assert len(told) == 1
