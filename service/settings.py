"""Every setting of the service, read once at start from `REID_*` variables or the command line."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

PositiveInt = Annotated[int, Field(ge=1)]


class Settings(BaseSettings):
    """Frozen settings; units are suffixes. `REID_MAX_FRAMES=64` sets `max_frames`."""

    model_config = SettingsConfigDict(env_prefix="REID_", frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    artifact_dir: Path = Path("artifacts/dcct-light")
    data_dir: Path = Path("data")
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    max_body_bytes: PositiveInt = 32 * 2**20
    max_json_bytes: PositiveInt = 2**20
    max_frames: PositiveInt = 256
    max_frame_bytes: PositiveInt = 2 * 2**20
    max_frame_pixels: PositiveInt = 4_000_000
    max_frame_side_px: PositiveInt = 4096
    image_formats: tuple[str, ...] = ("JPEG", "PNG", "WEBP")

    inference_threads: Annotated[int, Field(ge=0)] = 0
    """Threads of ONNX Runtime; 0 takes the cores this process may use."""
    decode_threads: PositiveInt = 1
    search_threads: PositiveInt = 1
    max_batch_frames: PositiveInt = 8
    max_queue_frames: PositiveInt = 2048
    request_timeout_s: Annotated[float, Field(gt=0)] = 30.0

    max_top_k: PositiveInt = 1000
    max_page: PositiveInt = 1000
