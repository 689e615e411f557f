"""What `reid gallery` prints: tables for people, JSON for programs."""

from collections.abc import Mapping, Sequence

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from service.api.verify_answers import VerifyAnswer
from service.commands.gallery_sources import HeldGallery, ServedGallery
from service.gallery.replica.reseed import Reseeded


def print_served(galleries: Sequence[ServedGallery], *, as_json: bool) -> None:
    """Galleries of a running service."""
    if as_json:
        _print_json(
            {
                "galleries": [
                    {"gallery": one.name, "reason": one.reason}
                    if one.described is None
                    else one.described.model_dump()
                    for one in galleries
                ]
            }
        )
        return
    table = _table("gallery", "phase", "tracklets", "write", "behind", "snapshot", "damaged")
    for one in galleries:
        held = one.described
        if held is None:
            _add_row(table, one.name, one.reason)
            continue
        phase = held.phase if held.ready else f"{held.phase}, not ready: {held.reason}"
        behind = held.stored_seq - held.seq
        _add_row(
            table, one.name, phase, held.tracklets, held.seq, behind, held.snapshot_seq,
            held.quarantined,
        )  # fmt: skip
    Console().print(table)


def print_held(galleries: Sequence[HeldGallery], *, as_json: bool) -> None:
    """Galleries of a store, and snapshots of lost ones."""
    described = [_described(one) for one in galleries]
    if as_json:
        _print_json({"galleries": described})
        return
    table = _table("gallery", "id", "tracklets", "write", "snapshot at write")
    for one in described:
        lost = "lost: see `reid gallery reseed`"
        tracklets = lost if one["tracklets"] is None else one["tracklets"]
        _add_row(
            table, one["gallery"], one["gallery_id"], tracklets, one["seq"], one["snapshot_seq"]
        )
    Console().print(table)


def print_reports(reports: Sequence[VerifyAnswer], *, as_json: bool) -> None:
    """What was found when the copies of each gallery were compared."""
    if as_json:
        _print_json({"galleries": [report.model_dump() for report in reports]})
        return
    table = _table("gallery", "compared", "", "found")
    for report in reports:
        for check in report.checks:
            verdict = "agrees" if check.agrees else "DIFFERS"
            _add_row(table, report.gallery, check.name, verdict, check.detail)
        for tracklet_id in report.damaged:
            _add_row(table, report.gallery, "rows", "DAMAGED", tracklet_id)
    Console().print(table)


def print_reseeded(result: Reseeded) -> None:
    """What was written back, and what was not."""
    lines = [
        f"gallery {result.info.name!r} has {result.tracklets} tracklets again, "
        f"as of write {result.lost_after_seq}; what was written later is lost",
        f"its new id is {result.info.gallery_id}",
    ]
    if result.damaged:
        lines.append(f"{result.damaged} rows were damaged before, and are lost too")
    print("\n".join(lines))  # noqa: T201


def _described(one: HeldGallery) -> dict[str, str | int | None]:
    return {
        "gallery": one.name,
        "gallery_id": one.gallery_id,
        "tracklets": None if one.state is None else one.state.tracklets,
        "seq": None if one.state is None else one.state.seq,
        "snapshot_seq": None if one.snapshot is None else one.snapshot.state.seq,
        "snapshot_tracklets": None if one.snapshot is None else one.snapshot.state.tracklets,
    }


def _table(*names: str) -> Table:
    table = Table()
    for name in names:
        table.add_column(name, overflow="fold")
    return table


def _add_row(table: Table, *cells: str | int | None) -> None:
    # Names are names: rich would take the brackets in them for markup.
    table.add_row(*(Text("-" if cell is None else str(cell)) for cell in cells))


def _print_json(content: Mapping[str, object]) -> None:
    print(orjson.dumps(content, option=orjson.OPT_INDENT_2).decode())  # noqa: T201
