"""`reid-train rank`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from training.commands.console import Json, errors, errors_for_people


class AveragePrecision(StrEnum):
    """Formula of the average precision."""

    STANDARD = "standard"
    MARS = "mars"


class SameCamera(StrEnum):
    """What becomes of tracklets of the query's identity from its own camera."""

    EXCLUDE = "exclude"
    KEEP = "keep"


def rank(  # noqa: PLR0913, PLR0917 (one option each)
    query: Annotated[Path, typer.Argument(help="Queries, an .npz.")],
    gallery: Annotated[Path, typer.Argument(help="Who is searched, an .npz.")],
    ap: Annotated[
        AveragePrecision, typer.Option(help="Step formula, or MARS's official trapezoid.")
    ] = AveragePrecision.STANDARD,
    same_camera: Annotated[
        SameCamera, typer.Option(help="Matches of the query's own camera.")
    ] = SameCamera.EXCLUDE,
    exclude_same_outfit: Annotated[  # noqa: FBT002
        bool, typer.Option("--exclude-same-outfit", help="Leave out the query's own outfit too.")
    ] = False,
    without_queries: Annotated[  # noqa: FBT002
        bool,
        typer.Option("--without-queries", help="Take the queries out of the gallery, by name."),
    ] = False,
    query_expansion: Annotated[
        int, typer.Option(min=0, help="Average each query with so many nearest; 0 is off.")
    ] = 0,
    rerank: Annotated[  # noqa: FBT002
        bool, typer.Option("--rerank", help="k-reciprocal re-ranking; report it separately.")
    ] = False,
    processes: Annotated[int, typer.Option(min=1, help="Share the queries out.")] = 1,
    json: Json = False,  # noqa: FBT002
) -> None:
    """CMC, mAP and mINP of embeddings computed elsewhere.

    Both files hold a row per tracklet in `embeddings`, `identities` (-1 junk, 0 distractor) and
    `cameras` (-1 or NaN unknown), and may hold `names` and `outfits`. Without names every row is a
    tracklet of its own: a query that is also in the gallery is left out by the same-camera rule
    only.
    """
    from training.evaluation.rank_files import RankOptions, rank_files
    from training.evaluation.ranking_report import print_ranking_report
    from training.evaluation.ranking_rules import RankingRules

    with errors_for_people():
        options = RankOptions(
            rules=RankingRules(
                same_camera=same_camera.value,
                exclude_same_outfit=exclude_same_outfit,
                average_precision=ap.value,
            ),
            without_queries=without_queries,
            query_expansion=query_expansion,
            rerank=rerank,
            processes=processes,
        )
        report = rank_files(query, gallery, options, announce=errors.print)
        if json:
            typer.echo(report.model_dump_json(indent=2))
        else:
            print_ranking_report(report, Console())
