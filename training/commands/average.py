"""`reid-train average`."""

from pathlib import Path
from typing import Annotated

import typer

from training.commands.console import errors_for_people


def average(
    first: Annotated[Path, typer.Argument(help="weights.safetensors of a run.")],
    second: Annotated[Path, typer.Argument(help="Those of a run of the same model.")],
    output: Annotated[Path, typer.Argument(help="weights.safetensors to write.")],
    *,
    share: Annotated[float, typer.Option(help="Of the second, between 0 and 1.")] = 0.5,
) -> None:
    """Average the weights of two runs, at the first one's input size."""
    from training.weight_average import average_weights

    with errors_for_people():
        network = average_weights(first, second, output, share=share)
        typer.echo(f"{output}: {network.config.summary}")
