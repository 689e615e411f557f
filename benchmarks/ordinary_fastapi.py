"""The artifact behind FastAPI in the ordinary way: one handler that decodes, runs and answers.

    python -m benchmarks.ordinary_fastapi --port 8100

It is what the serving benchmark compares with, and what a team writes on the first day: a plain
`def` handler, which FastAPI runs in its pool of threads, and one session with the runtime's own
defaults. It batches nothing beyond the frames of one request, and has no limits.
"""

import argparse
from pathlib import Path
from typing import Annotated

import uvicorn
from fastapi import FastAPI, File

from benchmarks.ordinary_embedding import OrdinaryEmbedding


def create_app(artifact: Path) -> FastAPI:
    """The application, with the model loaded."""
    app = FastAPI()
    model = OrdinaryEmbedding(artifact)

    @app.get("/health")
    def health() -> dict[str, bool]:
        return {"alive": True}

    @app.post("/embed")
    def embed(frames: Annotated[list[bytes], File()]) -> dict[str, list[float]]:
        return {"embedding": model.embed(frames)}

    return app


def main() -> None:
    """Serve until it is killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--artifact", type=Path, default=Path("artifacts/dcct-light"))
    parser.add_argument("--port", type=int, required=True)
    asked = parser.parse_args()
    uvicorn.run(create_app(asked.artifact), port=asked.port, log_level="warning")


if __name__ == "__main__":
    main()
