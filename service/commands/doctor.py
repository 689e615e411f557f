"""`reid doctor`: what keeps the service from starting or serving here, and what to do."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands.command_line import AsJson

if TYPE_CHECKING:
    from service.doctor.finding import Finding

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "bold red"}


def doctor(
    artifact_dir: Annotated[Path | None, typer.Option(help="The model to serve.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Where galleries are kept.")] = None,
    as_json: AsJson = False,  # noqa: FBT002 a flag of the command line
) -> None:
    """Check all that a start needs, by the same settings; exit status 1 when something fails.

    No gallery is opened or changed. A running service goes on; beside it is room for a second
    model needed for the time of the check.
    """
    from rich.console import Console

    from service.doctor.examination import examine

    given = {"artifact_dir": artifact_dir, "data_dir": data_dir}
    found = examine({name: value for name, value in given.items() if value is not None})
    waiting = Console(stderr=True)
    findings = []
    while True:
        # Where it is not known what runs the model best, that is measured.
        with waiting.status("looking; the model may take most of a minute"):
            finding = next(found, None)
        if finding is None:
            break
        findings.append(finding)
        if not as_json:
            _print_line(finding)
    if as_json:
        _print_json(findings)
    raise typer.Exit(int(any(finding.state == "fail" for finding in findings)))


def _print_line(finding: "Finding") -> None:
    from rich.console import Console
    from rich.text import Text

    line = Text(f"{finding.state:<5}", style=_COLOURS[finding.state])
    line.append(f"{finding.part:<15}", style="default not bold")
    line.append(finding.found, style="default not bold")
    console = Console(soft_wrap=True)
    console.print(line)
    if finding.remedy is not None:
        console.print(Text(f"{'':<20}{finding.remedy}", style="default"))


def _print_json(findings: "list[Finding]") -> None:
    import orjson

    healthy = all(finding.state != "fail" for finding in findings)
    text = orjson.dumps({"healthy": healthy, "findings": findings}, option=orjson.OPT_INDENT_2)
    print(text.decode())  # noqa: T201
