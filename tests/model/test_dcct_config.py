import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from model.dcct_config import ContentAttentionConfig, DCCTConfig, TemporalAggregationConfig

ALL_PARTS = ("cnn", "transformer", "cca_cnn", "cca_transformer", "final")
PRESETS = ["recommended", "paper", "reference"]

BACKBONES = st.sampled_from([("resnet50", "deit_tiny"), ("resnet50", None), (None, "deit_tiny")])
CCA = st.fixed_dictionaries(
    {},
    optional={
        "self_heads": st.booleans(),
        "cross_heads": st.booleans(),
        "transformer_ffn_ratio": st.sampled_from([0.5, 1.0, 2.0]),
        "detach_cross_query": st.booleans(),
        "order": st.sampled_from(["folded", "projected"]),
    },
)
HTA = st.fixed_dictionaries(
    {},
    optional={
        "depth": st.integers(0, 4),
        "gated_attention": st.booleans(),
        "align_dimension": st.sampled_from([None, 64]),
        "ffn_ratios": st.lists(st.sampled_from([0.25, 4.0]), min_size=1, max_size=4),
        "activation": st.sampled_from(["relu", "gelu"]),
    },
)
CONTENTS = st.fixed_dictionaries(
    {},
    optional={
        "preset": st.sampled_from(PRESETS),
        "spatial": st.sampled_from(["gap", "sap", "cca"]),
        "temporal": st.sampled_from(["tap", "lstm", "hta"]),
        "cca": CCA,
        "hta": HTA,
        "embedding": st.none() | st.lists(st.sampled_from(["base", "cca", "final"]), max_size=3),
        "pre_bn_base": st.booleans(),
        "transformer_global": st.sampled_from(["auto", "cls", "gap"]),
        "detach_temporal_input": st.booleans(),
        "cnn_weights": st.sampled_from([None, "weights.safetensors"]),
        "height": st.integers(32, 512),
    },
)


def possible(content):
    """The configuration, or nothing where the content cannot exist."""
    try:
        return DCCTConfig.model_validate(content)
    except ValidationError:
        return None


CONFIGS = CONTENTS.map(possible).filter(lambda config: config is not None)


@settings(max_examples=200, deadline=None)
@given(CONFIGS)
def test_a_configuration_survives_its_own_dump(config):
    assert DCCTConfig.model_validate(config.model_dump()) == config
    assert DCCTConfig.model_validate(json.loads(config.model_dump_json())) == config


@settings(max_examples=200, deadline=None)
@given(CONTENTS, BACKBONES)
def test_an_accepted_configuration_keeps_every_given_value(content, backbones):
    config = possible({**content, "cnn": backbones[0], "transformer": backbones[1]})
    if config is None:
        return
    dumped = config.model_dump(mode="json")
    for key, value in content.items():
        received = {k: dumped[key][k] for k in value} if isinstance(value, dict) else dumped[key]
        assert received == value


@settings(max_examples=200, deadline=None)
@given(CONFIGS)
def test_the_student_has_the_base_parts_alone_and_keeps_the_rest(config):
    student = config.student()
    assert student.parts == student.embedding_parts == config.branches
    assert (student.spatial, student.temporal, student.preset) == ("gap", "tap", "recommended")
    changed = {"preset", "spatial", "temporal", "cca", "hta", "embedding"}
    assert student.model_dump(exclude=changed) == config.model_dump(exclude=changed)
    assert student.student() == student


@settings(max_examples=200, deadline=None)
@given(CONFIGS)
def test_the_embedding_is_made_of_parts_that_exist_each_of_them_once(config):
    assert config.embedding_parts
    assert set(config.embedding_parts) <= set(config.parts)
    assert len(set(config.embedding_parts)) == len(config.embedding_parts)
    assert config.has_final == ("final" in config.parts)


def test_the_defaults_are_the_papers_backbones_with_both_aggregations():
    config = DCCTConfig()
    assert (config.cnn, config.transformer) == (
        "resnet50.tv_in1k",
        "vit_base_patch16_224.orig_in21k_ft_in1k",
    )
    assert config.branches == ("cnn", "transformer")
    assert config.parts == config.embedding_parts == ALL_PARTS
    assert (config.hta.depth, config.hta.ffn_ratios, config.hta.activation) == (2, (0.25,), "relu")
    assert config.detach_temporal_input
    assert config.cca.detach_cross_query


@pytest.mark.parametrize(
    ("settings", "parts"),
    [
        ({"spatial": "gap", "temporal": "tap"}, ("cnn", "transformer")),
        (
            {"spatial": "sap", "temporal": "tap"},
            ("cnn", "transformer", "sap_cnn", "sap_transformer"),
        ),
        ({"spatial": "gap", "temporal": "lstm"}, ("cnn", "transformer", "final")),
        ({"spatial": "gap"}, ("cnn", "transformer", "final")),
        ({"hta": {"depth": 0}}, ALL_PARTS[:-1]),
        ({"cnn": None, "spatial": "gap", "temporal": "tap"}, ("transformer",)),
        ({"transformer": None, "spatial": "sap", "temporal": "lstm"}, ("cnn", "sap_cnn", "final")),
    ],
)
def test_parts_are_the_branches_the_attended_branches_and_the_final_one(settings, parts):
    assert DCCTConfig.model_validate(settings).parts == parts


@pytest.mark.parametrize(
    ("groups", "parts"),
    [
        (["base"], ("cnn", "transformer")),
        (["cca"], ("cca_cnn", "cca_transformer")),
        (["final"], ("final",)),
        (["cnn"], ("cnn", "cca_cnn")),
        (["transformer", "final"], ("transformer", "cca_transformer", "final")),
        (["final", "base"], ("final", "cnn", "transformer")),
        (None, ALL_PARTS),
    ],
)
def test_the_embedding_is_its_groups_in_their_order(groups, parts):
    assert DCCTConfig.model_validate({"embedding": groups}).embedding_parts == parts


def test_one_ratio_serves_all_layers_and_several_serve_one_each():
    shared = TemporalAggregationConfig(depth=3, ffn_ratios=(0.5,))
    assert [shared.ffn_ratio(layer) for layer in range(3)] == [0.5, 0.5, 0.5]
    own = TemporalAggregationConfig(depth=2, ffn_ratios=(4.0, 0.25))
    assert [own.ffn_ratio(layer) for layer in range(2)] == [4.0, 0.25]


NOTHING = dict.fromkeys(
    ("temporal_transformers", "aggregated_transformer", "gated_attention"), False
)
SINGLE_CNN = {"transformer": None, "spatial": "gap", "temporal": "tap"}
IMPOSSIBLE = {
    "no branch": (
        {**SINGLE_CNN, "cnn": None},
        "expected a cnn, a transformer or both, received neither; name one",
    ),
    "crossing to no other branch": (
        {**SINGLE_CNN, "spatial": "cca"},
        "expected both branches for cross heads, received cnn alone; name the other branch, "
        "or set cca.cross_heads to false",
    ),
    "aggregating across one branch": (
        {**SINGLE_CNN, "cnn": None, "transformer": "deit_tiny", "temporal": "hta"},
        "expected both branches for temporal hta, which aggregates across them, received "
        "transformer alone; name the other branch, or set temporal to tap or lstm",
    ),
    "no head": (
        {"cca": {"self_heads": False, "cross_heads": False}},
        "expected cca.self_heads or cca.cross_heads, received neither; "
        "without both there is no attention: set spatial to gap",
    ),
    "layers of nothing": (
        {"hta": NOTHING},
        "expected hta.temporal_transformers, hta.aggregated_transformer or "
        "hta.gated_attention at depth 2, received none; set hta.depth to 0",
    ),
    "one layer of nothing": (
        {"hta": {**NOTHING, "depth": 1}},
        "hta.gated_attention at depth 1, received none; set hta.depth to 0",
    ),
    "ratios of other layers": (
        {"hta": {"depth": 3, "ffn_ratios": [4, 0.25]}},
        "expected one hta.ffn_ratios value or one for each of 3 layers, received 2",
    ),
    "ratios of layers that do not exist": (
        {"hta": {"depth": 0, "ffn_ratios": [4, 0.25]}},
        "expected one hta.ffn_ratios value or one for each of 0 layers, received 2",
    ),
    "attention settings without attention": (
        {"spatial": "gap", "cca": {"self_heads": False}},
        "expected no cca settings with spatial 'gap', received {'self_heads': False}; "
        "they would be ignored: remove them",
    ),
    "layer settings without layers": (
        {"temporal": "lstm", "hta": {"depth": 1}},
        "expected no hta settings with temporal 'lstm', received {'depth': 1}; "
        "they would be ignored: remove them",
    ),
    "layer settings at depth 0": (
        {"hta": {"depth": 0, "activation": "gelu"}},
        "expected no further hta settings with hta.depth 0, received {'depth': 0, "
        "'activation': 'gelu'}; they would be ignored: remove them",
    ),
    "a group that is not made": (
        {"spatial": "gap", "embedding": ["base", "cca"]},
        "expected embedding groups of this model, received 'cca', which it does not make; "
        "its parts are ['cnn', 'transformer', 'final']",
    ),
    "a group of a missing branch": (
        {**SINGLE_CNN, "embedding": ["transformer"]},
        "expected embedding groups of this model, received 'transformer', "
        "which it does not make; its parts are ['cnn']",
    ),
    "a part twice": (
        {"embedding": ["base", "cnn"]},
        "expected every part once in embedding, received ['base', 'cnn'], which are the parts "
        "['cnn', 'transformer', 'cnn', 'cca_cnn']; drop the repeated group",
    ),
    "an unknown group": ({"embedding": ["hta"]}, "Input should be 'base', 'cca', 'sap'"),
    "no group": ({"embedding": []}, "embedding\n  Tuple should have at least 1 item"),
    "weights of a missing transformer": (
        {**SINGLE_CNN, "transformer_weights": "weights.safetensors"},
        "expected no transformer_weights without a transformer, received 'weights.safetensors'; "
        "name the transformer, or remove transformer_weights",
    ),
    "weights of a missing cnn": (
        {"cnn": None, "spatial": "gap", "temporal": "tap", "cnn_weights": "weights.safetensors"},
        "expected no cnn_weights without a cnn, received 'weights.safetensors'; "
        "name the cnn, or remove cnn_weights",
    ),
    "too deep": ({"hta": {"depth": 5}}, "Input should be less than or equal to 4"),
    "no width": ({"hta": {"align_dimension": 0}}, "Input should be greater than or equal to 8"),
    "a width of no heads": ({"hta": {"align_dimension": 12}}, "Input should be a multiple of 8"),
    "a ratio of nothing": ({"hta": {"ffn_ratios": [0]}}, "Input should be greater than 0"),
    "no ratio": ({"hta": {"ffn_ratios": []}}, "Tuple should have at least 1 item"),
    "no attention ratio": ({"cca": {"cnn_ffn_ratio": 0}}, "Input should be greater than 0"),
    "every block dropped": ({"drop_path": 1.0}, "Input should be less than 1"),
    "an unknown stride": ({"cnn_last_stride": 3}, "Input should be 'auto', 1 or 2"),
    "an unknown key": ({"transformr": "x"}, "Extra inputs are not permitted"),
    "an unknown key of a section": ({"cca": {"sh": True}}, "Extra inputs are not permitted"),
    "an unknown preset": (
        {"preset": "papers"},
        "Input should be 'recommended', 'paper' or 'reference'",
    ),
    "a number for a section": ({"hta": 3}, "Input should be a valid dictionary"),
}


@pytest.mark.parametrize(("content", "message"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_what_cannot_exist_is_refused_with_the_reason(content, message):
    with pytest.raises(ValidationError, match=re.escape(message)):
        DCCTConfig.model_validate(content)


@pytest.mark.parametrize(
    "spatial", [{"spatial": "gap"}, {"spatial": "sap"}, {"cca": {"cross_heads": False}}]
)
@pytest.mark.parametrize("temporal", [{"temporal": "lstm"}, {"hta": {"depth": 0}}])
@pytest.mark.parametrize(("branch", "other"), [("cnn", "transformer"), ("transformer", "cnn")])
def test_a_single_branch_takes_what_crosses_nothing(spatial, temporal, branch, other):
    content = {other: None, **spatial, **temporal}
    assert DCCTConfig.model_validate(content).branches == (branch,)


def test_sections_at_their_defaults_may_be_written_where_they_are_not_used():
    content = {"spatial": "gap", "temporal": "tap", "cca": {}, "hta": {"depth": 2}}
    assert DCCTConfig.model_validate(content) == DCCTConfig(spatial="gap", temporal="tap")


def test_sections_can_be_given_as_objects():
    config = DCCTConfig(
        cca=ContentAttentionConfig(self_heads=False), hta=TemporalAggregationConfig(depth=1)
    )
    assert not config.cca.self_heads
    assert config.hta.depth == 1


def test_the_summary_names_the_backbones_and_the_stages():
    config = DCCTConfig(cnn="resnet50", transformer=None, spatial="gap", temporal="tap", height=64)
    assert config.summary == "dcct of resnet50 at 64×128 with spatial gap, temporal tap"


def test_weight_files_of_both_branches_are_known():
    config = DCCTConfig(cnn_weights=Path("c"), transformer_weights=Path("t"), pretrained=True)
    assert config.initial_weight_files() == {
        "cnn_weights": Path("c"),
        "transformer_weights": Path("t"),
    }
    assert config.uninitialized() == DCCTConfig()
