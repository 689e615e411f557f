"""An evaluation as people read it: a table per split, valid and dropped queries below it."""

from rich.console import Console
from rich.table import Table

from training.evaluation.open_set_report import print_open_set
from training.evaluation.report import EvaluationReport, MethodReport, SplitReport

_HEADINGS = ("rank-1", "rank-5", "rank-10", "rank-20", "mAP", "mINP")
ONE_FILE = (
    "one file of weights was judged on all splits: a fair number only where it learned from none "
    "of them; name a file per split with {split} in the path"
)


def print_report(report: EvaluationReport, console: Console) -> None:
    """Write a table of every split, their means where there are several, and the protocol."""
    for split in report.splits:
        title = f"{split.name}: {split.valid_queries} queries, {split.gallery} gallery"
        console.print(_table(title, split.methods))
        _print_queries(split, console)
    if len(report.splits) > 1:
        console.print(_summary_table(report))
        if report.protocol.weights == "one file":
            print_text(ONE_FILE, console)
    for open_set in report.open_set:
        print_open_set(open_set, console)
    print_text(f"{report.protocol.subject}: {report.protocol.sentence()}", console)


def print_text(text: str, console: Console) -> None:
    """Write words that came from files, names among them, as they are."""
    console.print(text, markup=False, highlight=False)


def _table(title: str, methods: dict[str, MethodReport]) -> Table:
    table = _empty(title)
    for name, method in methods.items():
        table.add_row(name, *(f"{value:.2f}" for value in method.model_dump().values()))
    return table


def _summary_table(report: EvaluationReport) -> Table:
    table = _empty(f"mean ± std over {len(report.splits)} splits")
    for name, summary in report.summary.items():
        means = summary.mean.model_dump().values()
        spreads = summary.std.model_dump().values() if summary.std is not None else ()
        cells = zip(means, spreads, strict=True)
        table.add_row(name, *(f"{mean:.2f} ± {std:.2f}" for mean, std in cells))
    return table


def _empty(title: str) -> Table:
    table = Table(title=title)
    table.add_column("features")
    for heading in _HEADINGS:
        table.add_column(heading, justify="right")
    return table


def _print_queries(split: SplitReport, console: Console) -> None:
    dropped = len(split.dropped_queries)
    print_text(f"{split.valid_queries} valid queries, {dropped} dropped", console)
    for reason, names in split.dropped_by_reason().items():
        print_text(f"  {len(names)}: {reason}: {', '.join(names)}", console)
