"""`reid keys`: make, list and revoke the API keys of a service."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.access.principal import AccessScope
from service.commands.command_line import AsJson, fail

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from service.access.keys_file import KeyRecord

keys_commands = typer.Typer(help="API keys, in the file that REID_KEYS_FILE names.")

File = Annotated[
    Path | None, typer.Option(help="The keys file; otherwise the one that REID_KEYS_FILE names.")
]
Name = Annotated[str, typer.Argument(help="Of the key: letters, digits, dots, dashes.")]
Rate = Annotated[float | None, typer.Option(min=0.001, help="At most so many; otherwise any.")]


@keys_commands.command()
def new(
    name: Name,
    scope: Annotated[list[AccessScope], typer.Option(help="What it is good for; may be repeated.")],
    days: Annotated[int | None, typer.Option(min=1, help="Expires after so many.")] = None,
    requests_per_s: Rate = None,
    frames_per_s: Rate = None,
    file: File = None,
) -> None:
    """Make a key and print it, once: the file holds a hash of it alone."""
    from service.access.api_key import hash_of, new_api_key
    from service.access.keys_file import KeyRecord, is_key_name

    if not is_key_name(name):
        fail(
            "expected a name of 1 to 64 letters, digits, dots, dashes and underscores that begins "
            f"with a letter or digit, received {name!r}; choose another"
        )
    api_key = new_api_key()
    created = datetime.now(UTC).replace(microsecond=0)
    record = KeyRecord(
        name=name,
        sha256=hash_of(api_key),
        scopes=frozenset(scope),
        created=created,
        expires=None if days is None else created + timedelta(days=days),
        requests_per_s=requests_per_s,
        frames_per_s=frames_per_s,
    )

    def added(records: "tuple[KeyRecord, ...]") -> "tuple[KeyRecord, ...]":
        if any(one.name == name for one in records):
            fail(
                f"expected a name that no key has, received {name!r}; choose another, "
                f"or revoke that one with `reid keys revoke {name}`"
            )
        return (*records, record)

    _change(_chosen(file), added)
    print(api_key)  # noqa: T201


@keys_commands.command(name="list")
def list_keys(file: File = None, as_json: AsJson = False) -> None:  # noqa: FBT002 a flag
    """List the keys by name, without their hashes."""
    import orjson

    from service.access.keys_file import KeysFileError, read_keys

    path = _chosen(file)
    try:
        records = sorted(read_keys(path), key=lambda record: record.name)
    except KeysFileError as error:
        fail(str(error))
    if as_json:
        rows = [record.model_dump(mode="json", exclude={"sha256"}) for record in records]
        for row in rows:
            row["scopes"].sort()
        print(orjson.dumps({"keys": rows}).decode())  # noqa: T201
    else:
        _print_table(records)


@keys_commands.command()
def revoke(name: Name, file: File = None) -> None:
    """Take a key out of the file; a running service refuses it within two seconds."""

    def without(records: "tuple[KeyRecord, ...]") -> "list[KeyRecord]":
        left = [record for record in records if record.name != name]
        if len(left) == len(records):
            fail(
                f"expected the name of a key, received {name!r}; "
                "`reid keys list` shows those there are"
            )
        return left

    _change(_chosen(file), without)
    print(f"revoked {name}")  # noqa: T201


def _chosen(file: Path | None) -> Path:
    """The keys file; named by the variable that the service itself reads."""
    named = file or os.environ.get("REID_KEYS_FILE")
    if not named:
        fail("expected a keys file, received none; give --file, or set REID_KEYS_FILE")
    return Path(named)


def _change(path: Path, change: "Callable[[tuple[KeyRecord, ...]], Sequence[KeyRecord]]") -> None:
    from service.access.keys_file import KeysFileError, change_keys

    try:
        change_keys(path, change)
    except KeysFileError as error:
        fail(str(error))


def _print_table(records: "list[KeyRecord]") -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    columns = ("name", "scopes", "expires", "requests/s", "frames/s")
    table = Table(*columns)
    for record in records:
        cells = (
            record.name,
            ", ".join(sorted(record.scopes)),
            _moment(record.expires),
            _number(record.requests_per_s),
            _number(record.frames_per_s),
        )
        table.add_row(*(Text(cell) for cell in cells))
    Console().print(table)


def _moment(moment: datetime | None) -> str:
    if moment is None:
        return "never"
    said = moment.isoformat(sep=" ", timespec="minutes")
    return f"{said} (expired)" if moment <= datetime.now(UTC) else said


def _number(rate: float | None) -> str:
    return "any" if rate is None else f"{rate:g}"
