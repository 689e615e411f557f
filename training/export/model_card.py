"""The model card: what the model is, what it learned from, what it reached, what it is not for."""

import textwrap

from model.tracklet_network import ModelConfig
from training.evaluation.report import EvaluationReport
from training.export.description import ArtifactDescription


def model_card(
    description: ArtifactDescription, config: ModelConfig, *, least_cosine: float
) -> str:
    """Markdown; every number in it comes from `description` or from the export itself."""
    return f"""# {description.card.name} {description.card.version}

{_paragraph(_described(config))}

{_paragraph("**Use.** " + description.card.data_licence)}

## Training

{_paragraph(description.card.training)}

{_paragraph("Data: " + description.card.data)}

Code of the export: commit `{description.commit}`. Initial weights:
{_initial_weights(config)}.

## Results

{results_table(description.report)}

{_paragraph(_circumstances(description.report))}

Weights are stored in half precision and computed with in single precision. Least cosine between
graph and network over the export's parity check: {least_cosine:.7f}.

## Limits

- It compares clothing and build as seen in a crop. Two people dressed alike are easily confused,
  and a person who changed clothes is not found.
- It knows the cameras, the season and the place of its training data. Expect less elsewhere;
  measure on your own data.
- Similarities are not probabilities, and no threshold has been calibrated.
- Embeddings of people are biometric data: process them only with a legal basis, keep them no
  longer than needed, and let no decision about a person rest on a match alone.
"""


def _described(config: ModelConfig) -> str:
    return (
        f"A frame model for video person re-identification: {config.summary}. Features of frames "
        "are averaged over the tracklet; each part is L2-normalised, then all are concatenated "
        "and normalised again."
    )


def _initial_weights(config: ModelConfig) -> str:
    files = [path.name for path in config.initial_weight_files().values()]
    if files:
        return ", ".join(files)
    return "ImageNet, through timm" if config.pretrained else "random"


def _circumstances(report: EvaluationReport) -> str:
    split = report.splits[0]
    return (
        f"Over {report.protocol.subject}: {split.valid_queries} valid queries, "
        f"{len(split.dropped_queries)} dropped, {split.gallery} tracklets in the gallery; "
        f"{report.protocol.sentence()}."
    )


def _paragraph(text: str) -> str:
    return textwrap.fill(text, 100, break_long_words=False, break_on_hyphens=False)


def results_table(report: EvaluationReport) -> str:
    """The report's methods as a Markdown table, in percent."""
    rows = [
        f"| {name} | {m.rank_1:.2f} | {m.rank_5:.2f} | {m.rank_10:.2f} | {m.rank_20:.2f} "
        f"| {m.mean_average_precision:.2f} | {m.mean_inverse_penalty:.2f} |"
        for name, m in report.splits[0].methods.items()
    ]
    head = [
        "| features | rank-1 | rank-5 | rank-10 | rank-20 | mAP | mINP |",
        "|---|---|---|---|---|---|---|",
    ]
    return "\n".join(head + rows)
