"""A check of a data set as people read it: trees side by side, counts, and what to mend."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from training.data.data_check_report import DataCheck, PartCheck, SplitCheck
from training.data.part_counts import PartCounts
from training.data.query_matches import QueryMatches


def print_data_check(check: DataCheck, console: Console) -> None:
    """Print everything that a check found; the same words on a terminal of any width."""
    _print_trees(check, console)
    for problem in check.problems:
        console.print(f"[bold red]broken[/]: {escape(problem.message)}", highlight=False)
        for path in problem.first:
            console.print(f"  {path}", markup=False, highlight=False)
        if problem.paths > len(problem.first):
            console.print(f"  … and {problem.paths - len(problem.first):,} more")
    shown = _worth_showing(check.splits)
    for split in shown:
        _print_counts(split, console)
        _print_matches(split, console)
    if len(shown) < len(check.splits):
        console.print(
            f"{len(check.splits) - len(shown)} more splits have as many identities, tracklets and "
            f"matched queries in every part"
        )
    _print_verdict(check, console)


def _print_trees(check: DataCheck, console: Console) -> None:
    table = Table("expected", "found", title=f"{check.title} ({check.name})", title_justify="left")
    table.add_row(escape(check.expected_tree.rstrip()), escape(check.found_tree.rstrip()))
    console.print(table)


def _worth_showing(splits: tuple[SplitCheck, ...]) -> list[SplitCheck]:
    """The first split, and those that are not alike it in what a protocol says."""
    return [split for split in splits if split is splits[0] or _gist(split) != _gist(splits[0])]


def _gist(split: SplitCheck) -> list[object]:
    parts = [(p.found.identities, p.found.tracklets, p.differing) for p in split.parts.values()]
    return [parts, split.learned_and_asked, [match.matched for match in split.matches]]


def _print_counts(split: SplitCheck, console: Console) -> None:
    table = Table(
        "",
        *split.parts,
        title=f"split {split.name} (✓ as published, or what is)",
        title_justify="left",
    )
    for column in table.columns[1:]:
        column.justify = "right"
    for measure in PartCounts.model_fields:
        cells = [_cell(part, measure) for part in split.parts.values()]
        table.add_row(measure.replace("_", " "), *cells)
    console.print(table)
    if split.learned_and_asked:
        console.print(
            f"[yellow]{split.learned_and_asked:,} identities are both learned from and asked "
            "about[/]: results on this split say nothing about new people"
        )


def _cell(part: PartCheck, measure: str) -> str:
    found = f"{getattr(part.found, measure):,}"
    if measure not in part.published:
        return found
    if measure in part.differing:
        return f"{found} [yellow]differs: {part.published[measure]:,}[/]"
    return f"{found} [green]✓[/]"


def _print_matches(split: SplitCheck, console: Console) -> None:
    if not split.matches:
        console.print("no queries: nothing to ask about, all tracklets are to learn from")
    for matches in split.matches:
        console.print(
            f"{_described(matches)}: {matches.matched:,} of {matches.queries:,} queries have a "
            f"right match among {matches.searched:,} tracklets",
            highlight=False,
        )
        for each in matches.unmatched:
            names = ", ".join(each.first)
            more = ", …" if each.queries > len(each.first) else ""
            console.print(
                f"  {each.queries:,} without: {each.reason} ({escape(names)}{more})",
                highlight=False,
            )


def _described(matches: QueryMatches) -> str:
    return "gallery" if matches.gallery == "as given" else f"gallery {matches.gallery}"


def _print_verdict(check: DataCheck, console: Console) -> None:
    if check.problems:
        console.print("[bold red]broken[/]: mend the above and check again")
    elif check.differs:
        console.print(
            "[yellow]readable[/], but not as published: part of it is missing, or it is another "
            "version"
        )
    else:
        console.print("[green]readable[/]" + _as_published(check))
    if check.decoded and not check.problems:
        console.print(f"all {check.decoded:,} frames are whole images")


def _as_published(check: DataCheck) -> str:
    compared = any(part.published for split in check.splits for part in split.parts.values())
    return ", as published" if compared else "; we have no published counts to compare with"
