"""Every check, in the order in which a start needs what it looks at."""

from collections.abc import Callable, Iterator
from pathlib import Path

from service.doctor.finding import Finding, fail, failed, ok
from service.doctor.machine import check_cores, check_memory, check_open_files, check_packages
from service.doctor.model import check_artifact, check_inference
from service.doctor.network import check_admin_port, check_keys, check_port, check_traces
from service.doctor.storage import check_data_directory, check_disk, check_store
from service.settings import Settings, SettingsError, load_settings

Check = Callable[[Settings], Finding]

CHECKS: tuple[tuple[str, Check], ...] = (
    ("packages", check_packages),
    ("cores", check_cores),
    ("memory", check_memory),
    ("open files", check_open_files),
    ("artifact", check_artifact),
    ("inference", check_inference),
    ("data directory", check_data_directory),
    ("disk", check_disk),
    ("store", check_store),
    ("keys", check_keys),
    ("port", check_port),
    ("admin port", check_admin_port),
    ("traces", check_traces),
)


def examine(chosen: dict[str, Path]) -> Iterator[Finding]:
    """A finding of each part, as soon as it is known; nothing else where settings are wrong.

    Args:
        chosen: Settings of the command line, by name.
    """
    try:
        settings = load_settings(chosen)
    except SettingsError as error:
        yield failed("settings", error)
        return
    yield ok("settings", "every REID_* variable is known and in its range")
    for part, check in CHECKS:
        yield _checked(part, check, settings)


def _checked(part: str, check: Check, settings: Settings) -> Finding:
    """A check that breaks is a finding, and the others go on."""
    try:
        return check(settings)
    except Exception as error:  # noqa: BLE001 whatever a broken machine makes a library raise
        return fail(part, f"{type(error).__name__}: {error}", "a start would end with this too")
