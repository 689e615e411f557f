"""The file of API keys: their names, what they are good for, and a hash in place of each key."""

import fcntl
import os
import re
import stat
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from service.access.principal import AccessScope

_MOST_BYTES = 2**20
_WRITABLE_BY_ALL = stat.S_IWOTH

KeyName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class KeysFileError(ValueError):
    """A keys file that cannot be used; the text says expected, received and remedy."""


class KeyRecord(BaseModel):
    """One key; the key itself is nowhere."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: KeyName
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    scopes: Annotated[frozenset[AccessScope], Field(min_length=1)]
    created: AwareDatetime
    expires: AwareDatetime | None = None
    requests_per_s: Rate | None = None
    frames_per_s: Rate | None = None


class KeysFile(BaseModel):
    """Every key, by names that differ."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    keys: tuple[KeyRecord, ...] = ()

    @model_validator(mode="after")
    def _are_different(self) -> Self:
        for what, values in (
            ("name", [record.name for record in self.keys]),
            ("sha256", [record.sha256 for record in self.keys]),
        ):
            if len(set(values)) != len(values):
                raise ValueError(f"two keys have the same {what}")
        return self


def read_keys(path: Path) -> tuple[KeyRecord, ...]:
    """The records of a keys file.

    Raises:
        KeysFileError: When it cannot be read, could be written by anyone, or breaks the schema.
    """
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & _WRITABLE_BY_ALL:
                raise KeysFileError(
                    f"expected a keys file that only its owner can write at {path}, "
                    f"received one that anyone can; run chmod o-w {path}"
                )
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise KeysFileError(
            f"expected a keys file at {path}, received {error.strerror or error}; "
            "make one with `reid keys new`, or correct REID_KEYS_FILE"
        ) from error
    if len(content) > _MOST_BYTES:
        raise KeysFileError(
            f"expected a keys file of at most {_MOST_BYTES} bytes at {path}, received a larger one;"
            " revoke keys that nobody uses"
        )
    return _parsed(content, path).keys


def change_keys(path: Path, change: Callable[[tuple[KeyRecord, ...]], Sequence[KeyRecord]]) -> None:
    """Replace the records by what `change` makes of them; a reader sees the old file or the new.

    A file that is missing counts as empty.

    Raises:
        KeysFileError: When the file cannot be read or written.
    """
    try:
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        # Two commands at a time: neither may write what the other has not seen.
        fcntl.flock(directory, fcntl.LOCK_EX)
        records = read_keys(path) if path.exists() else ()
        _write(path, KeysFile(keys=tuple(change(records))))
        os.fsync(directory)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        os.close(directory)


def is_key_name(name: str) -> bool:
    """Whether a key may have this name."""
    return re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", name) is not None


def _parsed(content: bytes, path: Path) -> KeysFile:
    try:
        return KeysFile.model_validate_json(content)
    except ValidationError as error:
        # Without the input: it may be a key that was pasted where its hash belongs.
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(step) for step in first["loc"]) or "the file"
        raise KeysFileError(
            f"expected keys as `reid keys new` writes them in {path}, "
            f"received at {where}: {first['msg']}; correct it, or make the key again"
        ) from error


def _write(path: Path, content: KeysFile) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(content.model_dump_json(indent=2, exclude_none=True) + "\n")
            file.flush()
            os.fsync(file.fileno())
            # Hashes of random keys give nobody a key, and the service may run as another user.
            os.fchmod(file.fileno(), 0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _unwritable(path: Path, error: OSError) -> KeysFileError:
    return KeysFileError(
        f"expected to write the keys file {path}, received {error.strerror or error}; "
        "make its directory, or give another --file"
    )
