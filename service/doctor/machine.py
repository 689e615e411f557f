"""Whether the machine has what the service runs on: packages, cores, memory, files."""

import os
import platform
import resource
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from service.cpu_count import usable_cores
from service.doctor.finding import Finding, fail, ok, warn
from service.settings import Settings

_NEEDED = ("faiss-cpu", "fastapi", "numpy", "pillow", "simplejpeg", "av", "uvicorn")
_ONE_OF = ("onnxruntime", "onnxruntime-gpu")
_FEW_FILES = 4096
_LITTLE_MEMORY = 2**30
_MEMORY_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def check_packages(_settings: Settings) -> Finding:
    """Every package that a start loads, with its version."""
    found = {name: held for name in (*_NEEDED, *_ONE_OF) if (held := _version(name)) is not None}
    missing = [name for name in _NEEDED if name not in found]
    if not any(name in found for name in _ONE_OF):
        missing.append(_ONE_OF[0])
    if missing:
        return fail(
            "packages",
            f"Python {platform.python_version()} without {', '.join(missing)}",
            "install requirements/service.lock, as `make serve` does",
        )
    named = ", ".join(f"{name} {held}" for name, held in found.items())
    return ok("packages", f"Python {platform.python_version()}; {named}")


def check_cores(settings: Settings) -> Finding:
    """The cores that this process may use, beside the threads that it is told to use."""
    cores, of_machine = usable_cores(), os.cpu_count() or 1
    found = f"{cores} of {of_machine} cores may be used"
    if settings.inference_threads > cores:
        return warn(
            "cores",
            f"{found}, and {settings.inference_threads} threads are to run the model",
            f"set REID_INFERENCE_THREADS to {cores} or less, or leave it out",
        )
    return ok("cores", found)


def check_memory(_settings: Settings, *, limits: tuple[Path, ...] = _MEMORY_LIMITS) -> Finding:
    """The memory that this process may use."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = min([physical, *(held for path in limits if (held := _limit(path)) is not None)])
    found = f"{limit / 2**30:.1f} GiB may be used"
    if limit < _LITTLE_MEMORY:
        return warn(
            "memory",
            found,
            "give 1 GiB or more: the model, uploads and every gallery are held in memory",
        )
    return ok("memory", found)


def check_open_files(_settings: Settings) -> Finding:
    """How many files and connections the process may have open."""
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    found = "any number of files" if most == resource.RLIM_INFINITY else f"{most} files"
    if 0 <= most < _FEW_FILES:
        return warn(
            "open files",
            f"{found} and connections at a time",
            f"raise it to {_FEW_FILES} or more: ulimit -n, or LimitNOFILE of the unit",
        )
    return ok("open files", f"{found} and connections at a time")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _limit(path: Path) -> int | None:
    """Bytes; None where there is no such limit."""
    try:
        text = path.read_text(encoding="ascii").strip()
    except OSError:
        return None
    return int(text) if text.isdecimal() else None
