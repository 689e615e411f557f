"""The configuration of DCCT: backbones, spatial and temporal aggregation, presets.

Every row of the paper's ablations is a value of `DCCTConfig`; what cannot exist is refused here,
with the reason, before anything is built.
"""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from model.dcct_presets import with_preset
from model.layers.temporal_aggregation import TemporalAggregationConfig
from model.tracklet_network import ModelConfig

Ratio = Annotated[float, Field(gt=0)]
PartGroup = Literal["base", "cca", "sap", "final", "cnn", "transformer"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ContentAttentionConfig(_Frozen):
    """Complementary Content Attention (spec §1.4).

    Attributes:
        self_heads: SH; without it the cross head takes the full width (Table VI, "- SH").
        cross_heads: CH; without it the self head takes the full width (Table VI, "- CH").
        cnn_ffn_ratio: Hidden width of the CNN branch's MLP, in widths of the branch.
        transformer_ffn_ratio: The same of the Transformer branch.
        detach_cross_query: No gradient from a branch into the other one's global feature.
        order: `projected` projects every token as the paper writes it; `folded` gives the same
            numbers for a fraction of the work, by moving the projections past the sums over tokens.
    """

    self_heads: bool = True
    cross_heads: bool = True
    cnn_ffn_ratio: Ratio = 1.0
    transformer_ffn_ratio: Ratio = 1.0
    detach_cross_query: bool = True
    order: Literal["folded", "projected"] = "folded"

    @model_validator(mode="after")
    def _some_head(self) -> Self:
        if not (self.self_heads or self.cross_heads):
            raise ValueError(
                "expected cca.self_heads or cca.cross_heads, received neither; "
                "without both there is no attention: set spatial to gap"
            )
        return self


class DCCTConfig(ModelConfig):
    """Which boxes of the paper's figure, and how each is made. Defaults: spec's recommendation.

    Settings of a branch that is absent are not read, but for its weights, which are refused.

    Attributes:
        preset: Defaults of the keys that are not given: `recommended`, what the `paper` says, or
            what the authors' `reference` implementation does (spec §1.15).
        cnn: timm name of the CNN, or none for the Transformer alone.
        transformer: timm name of the Transformer, or none for the CNN alone.
        cnn_last_stride: Stride of the CNN's last downsampling; `auto` is 1 for ResNets and the
            stock 2 for others (spec §1.2).
        cnn_weights: Local file to start the CNN from (safetensors, or a plain state dictionary).
        transformer_weights: Local file to start the Transformer from.
        native_normalization: Give each branch the mean and deviation its weights were trained with.
        drop_path: Stochastic depth of the Transformer.
        transformer_global: Frame feature of the Transformer: class token, mean of patches, or
            `auto`: the class token where one exists.
        spatial: Frame aggregation: mean, self-attention pooling, or complementary attention.
        temporal: Clip aggregation: mean, LSTM, or hierarchical aggregation.
        detach_temporal_input: No gradient from the final feature, if there is one, into the frame
            features.
        embedding: Groups of parts that make the embedding; none means all.
        pre_bn_base: Retrieve with base features from before their necks, as the reference does.
    """

    kind: Literal["dcct"] = "dcct"
    preset: Literal["recommended", "paper", "reference"] = "recommended"
    cnn: str | None = "resnet50.tv_in1k"
    transformer: str | None = "vit_base_patch16_224.orig_in21k_ft_in1k"
    cnn_last_stride: Literal["auto", 1, 2] = "auto"
    cnn_weights: Path | None = None
    transformer_weights: Path | None = None
    native_normalization: bool = False
    drop_path: Annotated[float, Field(ge=0, lt=1)] = 0.1
    transformer_global: Literal["auto", "cls", "gap"] = "auto"
    spatial: Literal["gap", "sap", "cca"] = "cca"
    temporal: Literal["tap", "lstm", "hta"] = "hta"
    cca: ContentAttentionConfig = ContentAttentionConfig()
    hta: TemporalAggregationConfig = TemporalAggregationConfig()
    detach_temporal_input: bool = True
    embedding: Annotated[tuple[PartGroup, ...], Field(min_length=1)] | None = None
    pre_bn_base: bool = False

    @model_validator(mode="before")
    @classmethod
    def _fill_from_preset(cls, content: object) -> object:
        return with_preset(content) if isinstance(content, dict) else content

    @model_validator(mode="after")
    def _branches_suffice(self) -> Self:
        if not self.branches:
            raise ValueError("expected a cnn, a transformer or both, received neither; name one")
        if len(self.branches) == 2:
            return self
        alone = f"received {self.branches[0]} alone"
        if self.spatial == "cca" and self.cca.cross_heads:
            raise ValueError(
                f"expected both branches for cross heads, {alone}; name the other branch, "
                "or set cca.cross_heads to false"
            )
        if self.temporal == "hta" and self.hta.depth > 0:
            raise ValueError(
                f"expected both branches for temporal hta, which aggregates across them, {alone}; "
                "name the other branch, or set temporal to tap or lstm"
            )
        return self

    @model_validator(mode="after")
    def _weights_have_a_branch(self) -> Self:
        for field, file in self.initial_weight_files().items():
            branch = field.removesuffix("_weights")
            if branch not in self.branches:
                raise ValueError(
                    f"expected no {field} without a {branch}, received {str(file)!r}; "
                    f"name the {branch}, or remove {field}"
                )
        return self

    @model_validator(mode="after")
    def _sections_are_used(self) -> Self:
        if self.spatial != "cca" and self.cca != ContentAttentionConfig():
            raise _ignored("cca", f"spatial {self.spatial!r}", self.cca)
        if self.temporal != "hta" and self.hta != TemporalAggregationConfig():
            raise _ignored("hta", f"temporal {self.temporal!r}", self.hta)
        if self.hta.depth == 0 and self.hta != TemporalAggregationConfig(depth=0):
            raise _ignored("further hta", "hta.depth 0", self.hta)
        return self

    @model_validator(mode="after")
    def _embedding_exists(self) -> Self:
        for group in self.embedding or ():
            if not self.parts_of(group):
                raise ValueError(
                    f"expected embedding groups of this model, received {group!r}, "
                    f"which it does not make; its parts are {list(self.parts)}"
                )
        if self.embedding is not None and len(self.embedding_parts) != len({*self.embedding_parts}):
            raise ValueError(
                f"expected every part once in embedding, received {list(self.embedding)}, "
                f"which are the parts {list(self.embedding_parts)}; drop the repeated group"
            )
        return self

    @property
    def summary(self) -> str:
        """The model in a few words, as errors and model cards say it."""
        named = " and ".join(name for name in (self.cnn, self.transformer) if name is not None)
        stages = f"spatial {self.spatial}, temporal {self.temporal}"
        return f"dcct of {named} at {self.height}×{self.width} with {stages}"

    @property
    def branches(self) -> tuple[str, ...]:
        """Names of the branches there are: `cnn`, `transformer`."""
        named = {"cnn": self.cnn, "transformer": self.transformer}
        return tuple(name for name, backbone in named.items() if backbone is not None)

    @property
    def has_final(self) -> bool:
        """Whether a learned temporal aggregation makes a final part."""
        return self.temporal == "lstm" or (self.temporal == "hta" and self.hta.depth > 0)

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of every part: the branches', the attended ones, the final one."""
        attended = () if self.spatial == "gap" else self.branches
        final = ("final",) if self.has_final else ()
        return (*self.branches, *(f"{self.spatial}_{name}" for name in attended), *final)

    def parts_of(self, group: str) -> tuple[str, ...]:
        """Parts of an embedding group; a branch's own name means all of that branch's parts."""
        if group == "base":
            return self.branches
        return tuple(part for part in self.parts if group in part.split("_"))

    @property
    def embedding_parts(self) -> tuple[str, ...]:
        """Parts that make the embedding, in its order."""
        if self.embedding is None:
            return self.parts
        return tuple(part for group in self.embedding for part in self.parts_of(group))

    def student(self) -> "DCCTConfig":
        """The backbones-only student: the same base features, nothing after them."""
        kept = self.model_dump(exclude={"spatial", "temporal", "cca", "hta", "embedding"})
        return DCCTConfig.model_validate(
            {**kept, "preset": "recommended", "spatial": "gap", "temporal": "tap"}
        )


def _ignored(section: str, where: str, received: BaseModel) -> ValueError:
    changed = received.model_dump(exclude_defaults=True)
    return ValueError(
        f"expected no {section} settings with {where}, received {changed}; "
        "they would be ignored: remove them"
    )
