"""`reid-train`: learn, judge, export. Nothing heavy is imported before a command runs."""

import typer

from training.commands.attention import attention
from training.commands.average import average
from training.commands.calibrate import calibrate
from training.commands.card import card
from training.commands.complexity import complexity
from training.commands.data import check, synthesize
from training.commands.data_manifest import manifest
from training.commands.evaluate import evaluate
from training.commands.export import export
from training.commands.import_graph import import_graph
from training.commands.matrix import matrix
from training.commands.rank import rank
from training.commands.report import report
from training.commands.teach import teach
from training.commands.tensorrt_engine import tensorrt
from training.commands.train import student, train
from training.commands.verify import verify

app = typer.Typer(
    help="Train, evaluate and export tracklet re-identification models.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
data_app = typer.Typer(help="Data sets, real and drawn.", no_args_is_help=True)
app.add_typer(data_app, name="data")

for command in (
    train,
    teach,
    evaluate,
    rank,
    report,
    attention,
    matrix,
    student,
    average,
    complexity,
    export,
    tensorrt,
    card,
    verify,
    calibrate,
):
    app.command()(command)
app.command("import")(import_graph)
for data_command in (check, synthesize, manifest):
    data_app.command()(data_command)


def main() -> None:
    """Entry point of the console script."""
    app()


if __name__ == "__main__":
    main()
