"""The artifact behind LitServe in its ordinary way: frames as base64 in JSON, batches of requests.

    python -m benchmarks.ordinary_litserve --port 8101

LitServe decodes and runs in worker processes: here one on each core, with a session of one thread,
so that it decodes on both and no threads fight. Batching whole requests of 8 frames would gain
nothing on a CPU, so it is left off.
"""

import argparse
import base64
from collections.abc import Sequence
from pathlib import Path

import litserve

from benchmarks.ordinary_embedding import OrdinaryEmbedding
from service.cpu_count import usable_cores


class EmbeddingApi(litserve.LitAPI):  # type: ignore[misc] # it comes without types
    """Embeds the tracklet of one request.

    Args:
        artifact: What to run.
    """

    def __init__(self, artifact: Path) -> None:
        super().__init__(api_path="/embed")
        self._artifact = artifact

    def setup(self, device: str) -> None:  # noqa: ARG002 LitServe gives it
        """Load the model in the worker."""
        self._model = OrdinaryEmbedding(self._artifact, threads=1)

    def decode_request(self, request: dict[str, list[str]]) -> list[bytes]:
        """The picture files of a request."""
        return [base64.b64decode(frame) for frame in request["frames"]]

    def predict(self, frames: Sequence[bytes]) -> list[float]:
        """The embedding of a request's frames."""
        return self._model.embed(frames)

    def encode_response(self, output: list[float]) -> dict[str, list[float]]:
        """The answer."""
        return {"embedding": output}


def main() -> None:
    """Serve until it is killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--artifact", type=Path, default=Path("artifacts/dcct-light"))
    parser.add_argument("--port", type=int, required=True)
    asked = parser.parse_args()
    server = litserve.LitServer(
        EmbeddingApi(asked.artifact),
        accelerator="cpu",
        devices=1,
        workers_per_device=usable_cores(),
    )
    server.run(port=asked.port, host="127.0.0.1", generate_client_file=False, log_level="warning")


if __name__ == "__main__":
    main()
