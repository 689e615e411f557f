"""Every setting of the service, read once at start from `REID_*` variables or the command line."""

import difflib
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX = "REID_"

PositiveInt = Annotated[int, Field(ge=1)]
Port = Annotated[int, Field(ge=0, le=65535)]
Share = Annotated[float, Field(ge=0, le=1)]
PositiveSeconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Settings(BaseSettings):
    """Frozen settings; units are suffixes. `REID_MAX_FRAMES=64` sets `max_frames`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: Port = 8000
    admin_host: str = "127.0.0.1"
    admin_port: Port = 8001
    """Metrics, the audit log and what operators do; 0 takes a free one, as for `port`."""
    keys_file: Path | None = None
    """Of API keys, as `reid keys new` writes it; without one only this machine is listened to."""
    allow_anyone: bool = False
    """Listen to other machines without a keys file: whoever reaches the port may do everything."""
    serve_docs: bool = True
    """Whether `/docs` and `/openapi.json` are there; they say nothing that the source does not."""
    artifact_dir: Path = Path("artifacts/dcct-light")
    data_dir: Path = Path("data")
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    max_connections: PositiveInt = 2048
    """Open at a time on one port; more are answered 429 and closed."""
    header_timeout_s: PositiveSeconds = 10.0
    """A connection without a whole request head is closed after so long."""
    max_head_bytes: PositiveInt = 64 * 2**10
    stall_timeout_s: PositiveSeconds = 60.0
    """A connection is closed when its client sends nothing of a body, or reads nothing of an
    answer, for so long."""
    max_body_bytes: PositiveInt = 32 * 2**20
    max_held_body_bytes: PositiveInt = 512 * 2**20
    """Bodies of all running requests together, so that many uploads cannot exhaust the memory."""
    max_json_bytes: PositiveInt = 2**20
    max_frames: PositiveInt = 256
    max_frame_bytes: PositiveInt = 2 * 2**20
    max_frame_pixels: PositiveInt = 4_000_000
    max_frame_side_px: PositiveInt = 4096
    image_formats: Annotated[tuple[str, ...], NoDecode] = ("JPEG", "PNG", "WEBP")
    """Between commas: `REID_IMAGE_FORMATS=JPEG,PNG`."""
    decode_budget_s: PositiveSeconds = 5.0
    """Processor time that the frames of one tracklet may take to decode."""
    max_tracklet_pixels: PositiveInt = 2**28
    """Pixels of one tracklet that are decoded, before they are made as small as the model's."""
    max_video_frames: PositiveInt = 2048
    """Pictures of one video of crops, which are decoded one after the other."""
    max_video_s: PositiveSeconds = 120.0

    inference_provider: Literal["auto", "cpu", "openvino", "cuda", "tensorrt"] = "auto"
    """What runs the graph: `auto` measures, every other refuses to run on anything else."""
    inference_precision: Literal["auto", "fp32", "tf32", "bf16", "fp16", "int8"] = "auto"
    """In which it computes: `auto` takes the fastest that gives the golden clip its embedding."""
    inference_lanes: Annotated[int, Field(ge=0)] = 0
    """Batches that run at a time, on GPUs one on each; 0 measures, or takes all GPUs."""
    inference_threads: Annotated[int, Field(ge=0)] = 0
    """Threads of one lane; 0 measures, within the cores this process may use."""
    max_batch_frames: Annotated[int, Field(ge=0)] = 0
    """Of the largest batch, clips for models of clips; 0 measures, or takes what suits GPUs."""
    batch_sizes: Annotated[tuple[PositiveInt, ...], NoDecode] = ()
    """In place of it all sizes, ascending, between commas: `REID_BATCH_SIZES=8,16,32`."""
    warmup: Literal["full", "smallest", "off"] = "full"
    """Which batch sizes are run before the service is ready."""
    engine_dir: Path | None = None
    """Where engines compiled for one GPU are kept; `engines` in `data_dir` when it is not set."""
    decode_threads: Annotated[int, Field(ge=0)] = 0
    """Tracklets that are decoded at a time; 0 takes what suits the cores and the model."""
    search_threads: PositiveInt = 2
    """Searches that run at a time."""
    write_threads: PositiveInt = 4
    """Writes that are under way at a time, so that Redis can flush several together."""
    max_waiting_searches: PositiveInt = 1024
    max_waiting_writes: PositiveInt = 1024
    max_queue_frames: PositiveInt = 2048
    """Frames under way, from before they are decoded until their tracklet is answered."""
    bulk_share: Annotated[float, Field(gt=0, le=0.5)] = 0.125
    """Of each batch, so much is for enrolment and `/embed` while searches wait as well."""
    max_batch_delay_s: Annotated[float, Field(ge=0, le=0.005)] = 0.0
    """How long an idle runtime waits for a fuller batch."""
    request_timeout_s: PositiveSeconds = 30.0
    """For a request that does not ask for another time."""
    max_request_timeout_s: PositiveSeconds = 60.0
    """The most that a request may ask for in `X-Timeout-S`."""

    false_accept_rate: Annotated[float, Field(gt=0, lt=1)] = 0.01
    """Of searches for somebody who is not in the gallery, so many may find a match; the model must
    be calibrated for it."""

    store: Literal["sqlite", "redis"] = "sqlite"
    """SQLite keeps galleries under `data_dir` for one service; Redis, for several replicas."""
    redis_url: str = "redis://127.0.0.1:6379/0"
    redis_password_file: Path | None = None
    """Holds the password alone, so that it stands in no environment and no address."""
    replica_name: Annotated[str, Field(min_length=1, max_length=64)] = Field(
        default_factory=socket.gethostname
    )
    """Of this process among those that share a Redis; no two may have the same."""
    stale_after_s: PositiveSeconds = 30.0
    """Searches go on without the store for so long; then this replica is not ready."""
    expect_empty_store: bool = False
    """Start although the store is empty beside a snapshot: what was in it is given up."""
    snapshot_every_s: PositiveSeconds = 300.0
    snapshot_every_writes: PositiveInt = 100_000
    visible_within_s: PositiveSeconds = 5.0
    """An answer to a write waits so long for the write to be found by searches here."""
    min_seq_within_s: Annotated[float, Field(ge=0)] = 0.5
    """A read that asks for a write waits so long for it."""

    exact_max_rows: PositiveInt = 2_000_000
    """Larger galleries get an approximate index, used where it is proved to find enough."""
    ann_least_share: Share = 0.1
    """Filters that leave less of a gallery are always answered exactly."""
    ann_rebuild_share: Share = 0.1
    ann_recall_target: Share = 0.95
    ann_recall_floor: Share = 0.9
    ann_canary_share: Share = 0.01
    """Of approximate answers, so many are repeated exactly."""
    max_galleries: PositiveInt = 64
    """Each is held in memory, and followed by a thread."""
    erasure_deadline_s: PositiveSeconds = 86_400.0
    """An erasure waits so long for a replica that says nothing; then its disk is the operator's."""
    retention_every_s: PositiveSeconds = 60.0
    """Between two sweeps for tracklets that have expired."""
    purge_every_s: PositiveSeconds = 3600.0
    """So soon the bytes of deleted tracklets leave memory, snapshots and the store's files."""
    audit_retention_s: PositiveSeconds = 90 * 86_400.0
    """Names of people leave the audit log, and receipts of erasures, after so long."""
    max_waiting_audits: PositiveInt = 10_000
    overwrite_freed_memory: bool = True
    """What the process frees is overwritten, so that no dump of it shows who was erased."""
    metrics_galleries: Annotated[tuple[str, ...], NoDecode] = ("default",)
    """Whose names may stand in `/metrics`; the others are counted together as `other`."""
    drain_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 5.0
    """After SIGTERM, requests are served for so long while `/readyz` sends callers elsewhere."""
    finish_s: PositiveSeconds = 10.0
    """Then connections are refused, and what is under way has so long to finish."""
    artifact_root: Path | None = None
    """A reload takes artifacts from below this directory only; unset, that which has the served."""
    traces_endpoint: Annotated[str, Field(pattern=r"^https?://\S+$")] | None = None
    """Where a collector takes OTLP over HTTP, for example `http://collector:4318/v1/traces`."""
    traces_share: Share = 1.0
    """Of the requests whose caller sends no `traceparent`, so many are traced."""
    max_bulk_bytes: PositiveInt = 64 * 2**30
    """One streamed body of lines; a line is bounded by `max_json_bytes`."""
    max_frames_line_bytes: PositiveInt = 4 * 2**20
    """A line of a streamed body whose lines may carry frames."""
    bulk_tracklets: PositiveInt = 8
    """Tracklets of one request of many that are decoded and embedded at a time."""
    max_top_k: PositiveInt = 1000
    max_page: PositiveInt = 1000

    @field_validator("image_formats", "metrics_galleries", mode="before")
    @classmethod
    def _between_commas(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(","))
        return value

    @field_validator("batch_sizes", mode="before")
    @classmethod
    def _numbers_between_commas(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("batch_sizes")
    @classmethod
    def _sizes_agree(cls, sizes: tuple[int, ...], info: ValidationInfo) -> tuple[int, ...]:
        if list(sizes) != sorted(set(sizes)):
            raise ValueError("each size once, the smallest first")
        largest = info.data.get("max_batch_frames", 0)
        if sizes and largest and sizes[-1] != largest:
            raise ValueError(f"unset, or ending with max_batch_frames ({largest})")
        return sizes


class SettingsError(ValueError):
    """A setting that cannot be used; the text says expected, received and remedy."""


def load_settings(chosen: Mapping[str, object]) -> Settings:
    """Settings from `chosen`, then the `REID_*` variables, then the defaults.

    Args:
        chosen: What the command line says, by name of the setting.

    Raises:
        SettingsError: For a value out of its range, and for a `REID_*` variable that is no
            setting, which would otherwise be a misspelling without any effect.
    """
    known = {f"{PREFIX}{name}".upper(): name for name in Settings.model_fields}
    for variable in sorted(os.environ):
        if variable.upper().startswith(PREFIX) and variable.upper() not in known:
            near = difflib.get_close_matches(variable.upper(), known, n=1)
            raise SettingsError(
                f"expected only known {PREFIX}* variables, received {variable}; "
                + (f"did you mean {near[0]}?" if near else "unset it")
            )
    try:
        return Settings.model_validate(dict(chosen))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0])
        raise SettingsError(
            f"expected {name} to satisfy: {first['msg']}, received {first['input']!r}; "
            f"correct {PREFIX}{name.upper()} or --{name.replace('_', '-')}"
        ) from error
