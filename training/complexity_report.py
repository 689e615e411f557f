"""The cost of models side by side, as people read it and as programs do."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from model.complexity import Complexity, Convention, Cost, measure_complexity
from model.dcct_config import DCCTConfig
from model.registry import MODELS, parse_config
from model.tracklet_network import ModelConfig
from training.config import load_config

_UNITS: dict[Convention, tuple[str, str]] = {
    "true": (
        "10⁹ multiply-accumulates of convolutions, linear layers and matrix products, per clip",
        "10⁶, every parameter of the network",
    ),
    "paper": (
        "10¹⁰ multiply-accumulates of the convolutions, linear layers and batch norms that ran, "
        "per clip, CCA in its projected order: ten times too small, as the paper prints them",
        "2²⁰, parameters of those modules",
    ),
}


class PublishedCost(NamedTuple):
    """The two cost columns of the paper's Table V, as printed."""

    flops_g: float
    params_m: float


class NamedModel(NamedTuple):
    """A model to measure, under the name of its row."""

    name: str
    config: ModelConfig
    published: PublishedCost | None = None


class ModuleRow(BaseModel):
    """What one module costs; units are those of the report."""

    model_config = ConfigDict(frozen=True)

    name: str
    macs: int
    params: int
    flops_g: float
    flops_g_per_frame: float
    params_m: float


class ComplexityRow(ModuleRow):
    """What one model costs.

    Attributes:
        clip_frames: Frames of the clip that was measured.
        height: Pixel rows of a frame.
        width: Pixel columns of a frame.
        flops_relative_to_first: Operations, in those of the report's first row.
        paper_flops_g: The paper's value of `flops_g`, where it has one.
        paper_params_m: The paper's value of `params_m`, where it has one.
        modules: Top-level modules; they sum to the model.
    """

    clip_frames: int
    height: int
    width: int
    flops_relative_to_first: float
    paper_flops_g: float | None
    paper_params_m: float | None
    modules: tuple[ModuleRow, ...]


class ComplexityReport(BaseModel):
    """Models side by side, measured in one convention (spec §1.14).

    Attributes:
        convention: See `model.complexity.Complexity`.
        flops_unit: What `flops_g` counts.
        params_unit: What `params_m` counts.
        rows: One for each model.
    """

    model_config = ConfigDict(frozen=True)

    convention: Convention
    flops_unit: str
    params_unit: str
    rows: tuple[ComplexityRow, ...]


def report_complexity(
    configs: Sequence[Path], *, table: Literal["v"] | None, convention: Convention
) -> ComplexityReport:
    """Measure the models of training configurations, or those of a table of the paper.

    Without either, the registered models at their defaults and the student of the first.

    Raises:
        ValueError: When both are given, or a configuration cannot be read or built.
    """
    if configs and table is not None:
        raise ValueError(
            f"expected configurations or --table {table}, received both; drop one of them"
        )
    if table is not None:
        models = table_v()
    elif configs:
        models = tuple(NamedModel(str(path), load_config(path).model) for path in configs)
    else:
        models = registered_models()
    return measure_models(models, convention=convention)


def table_v() -> tuple[NamedModel, ...]:
    """Rows of the paper's Table V. Self-distillation is training's; the network is that of HTA."""
    backbones = {"preset": "paper", "spatial": "gap", "temporal": "tap"}
    attended = {"preset": "paper", "spatial": "cca", "temporal": "tap"}
    whole = {"preset": "paper", "spatial": "cca", "temporal": "hta"}
    rows = (
        ("ResNet-50", {**backbones, "transformer": None}, PublishedCost(3.26, 22.42)),
        ("ViT-Base", {**backbones, "cnn": None}, PublishedCost(8.83, 81.64)),
        ("Coupled", backbones, PublishedCost(12.09, 104.07)),
        ("+ CCA", attended, PublishedCost(13.07, 125.54)),
        ("+ HTA", whole, PublishedCost(13.15, 222.61)),
        ("+ KD", whole, PublishedCost(13.15, 222.61)),
    )
    return tuple(
        NamedModel(name, DCCTConfig.model_validate(content), published)
        for name, content, published in rows
    )


def registered_models() -> tuple[NamedModel, ...]:
    """Every kind of model at its defaults, and what is left of DCCT when it serves as a student."""
    kinds = [NamedModel(kind, parse_config({"kind": kind})) for kind in MODELS]
    student = NamedModel("dcct, student", DCCTConfig().student())
    others = [model for model in kinds if model.name != "dcct"]
    return (NamedModel("dcct", DCCTConfig()), student, *others)


def measure_models(models: Sequence[NamedModel], *, convention: Convention) -> ComplexityReport:
    """Measure each of `models`; shares are those of the first."""
    measured = [measure_complexity(model.config, convention=convention) for model in models]
    flops_unit, params_unit = _UNITS[convention]
    return ComplexityReport(
        convention=convention,
        flops_unit=flops_unit,
        params_unit=params_unit,
        rows=tuple(
            _row(model, complexity, first=measured[0])
            for model, complexity in zip(models, measured, strict=True)
        ),
    )


def _row(model: NamedModel, complexity: Complexity, *, first: Complexity) -> ComplexityRow:
    published = model.published
    return ComplexityRow(
        **_module_row(model.name, complexity.total, complexity).model_dump(),
        clip_frames=complexity.clip_frames,
        height=complexity.height,
        width=complexity.width,
        flops_relative_to_first=complexity.total.macs / first.total.macs,
        paper_flops_g=None if published is None else published.flops_g,
        paper_params_m=None if published is None else published.params_m,
        modules=tuple(
            _module_row(name, cost, complexity) for name, cost in complexity.modules.items()
        ),
    )


def _module_row(name: str, cost: Cost, complexity: Complexity) -> ModuleRow:
    flops_g = complexity.flops_g(cost)
    return ModuleRow(
        name=name,
        macs=cost.macs,
        params=cost.params,
        flops_g=flops_g,
        flops_g_per_frame=flops_g / complexity.clip_frames,
        params_m=complexity.params_m(cost),
    )


def print_complexity(report: ComplexityReport, console: Console) -> None:
    """Write the report as a table, its units below it; a model alone is shown with its modules."""
    table = _table_of_one(report) if len(report.rows) == 1 else _table_of_many(report)
    console.print(table)
    console.print(f"FLOPs (G): {report.flops_unit}", highlight=False)
    console.print(f"params (M): {report.params_unit}", highlight=False)


def _table_of_one(report: ComplexityReport) -> Table:
    row = report.rows[0]
    table = _new_table("module", f"{row.name}: {report.convention} convention, clip {_clip(row)}")
    for module in row.modules:
        table.add_row(module.name, *_costs(module))
    table.add_section()
    table.add_row("total", *_costs(row))
    return table


def _table_of_many(report: ComplexityReport) -> Table:
    one_clip = len({_clip(row) for row in report.rows}) == 1
    size = f"clip {_clip(report.rows[0])}" if one_clip else "clips of several sizes"
    table = _new_table("model", f"{report.convention} convention, {size}")
    published = any(row.paper_flops_g is not None for row in report.rows)
    compared = ["paper\nFLOPs (G)", "paper\nparams (M)"] if published else ["FLOPs of\nfirst row"]
    for heading in compared if one_clip else [*compared, "clip"]:
        table.add_column(heading, justify="right")
    for row in report.rows:
        shown = (escape(row.name), *_costs(row), *_comparison(row, published=published))
        table.add_row(*(shown if one_clip else (*shown, _clip(row))))
    return table


def _new_table(subject: str, title: str) -> Table:
    table = Table(title=escape(title))
    table.add_column(subject, overflow="fold")
    for heading in ("FLOPs (G)", "per frame", "params (M)"):
        table.add_column(heading, justify="right")
    return table


def _clip(row: ComplexityRow) -> str:
    return f"{row.clip_frames}×{row.height}×{row.width}"


def _costs(row: ModuleRow) -> tuple[str, str, str]:
    return f"{row.flops_g:.4f}", f"{row.flops_g_per_frame:.4f}", f"{row.params_m:.4f}"


def _comparison(row: ComplexityRow, *, published: bool) -> tuple[str, ...]:
    if published:
        return (_printed(row.paper_flops_g), _printed(row.paper_params_m))
    return (f"{100 * row.flops_relative_to_first:.1f} %",)


def _printed(cell: float | None) -> str:
    return "" if cell is None else f"{cell:.2f}"
