import pytest
from pydantic import ValidationError

from model.dcct_config import ContentAttentionConfig, DCCTConfig, TemporalAggregationConfig
from model.dcct_presets import with_preset


def config(**content):
    return DCCTConfig.model_validate(content)


def changed(preset):
    """What a preset changes of the recommended configuration."""
    given, recommended = config(preset=preset), DCCTConfig()
    return {
        name: value
        for name, value in given
        if name != "preset" and value != getattr(recommended, name)
    }


def test_the_recommended_preset_changes_nothing():
    assert changed("recommended") == {}
    assert with_preset({"height": 64}) == {"height": 64}


def test_the_paper_retrieves_with_base_and_final_and_halves_the_transformers_mlp():
    assert changed("paper") == {
        "transformer_global": "gap",
        "cca": ContentAttentionConfig(transformer_ffn_ratio=0.5, order="projected"),
        "embedding": ("base", "final"),
    }


def test_the_reference_aligns_widths_widens_the_first_layer_and_retrieves_before_the_necks():
    assert changed("reference") == {
        "cca": ContentAttentionConfig(order="projected"),
        "hta": TemporalAggregationConfig(
            align_dimension=512, ffn_ratios=(4.0, 0.25), activation="gelu"
        ),
        "pre_bn_base": True,
    }


@pytest.mark.parametrize(
    ("content", "embedding"),
    [
        ({"spatial": "gap", "temporal": "tap"}, ("base",)),
        ({"temporal": "tap"}, ("base", "cca")),
        ({"spatial": "sap", "temporal": "tap"}, ("base", "sap")),
        ({"spatial": "sap"}, ("base", "final")),
        ({"temporal": "lstm"}, ("base", "final")),
        ({"hta": {"depth": 0}}, ("base", "cca")),
        ({"hta": {"depth": 3}}, ("base", "final")),
        ({"hta": TemporalAggregationConfig(depth=0)}, ("base", "cca")),
    ],
)
def test_the_paper_retrieves_with_the_base_and_the_last_features_there_are(content, embedding):
    assert config(preset="paper", **content).embedding == embedding


@pytest.mark.parametrize("preset", ["paper", "reference"])
@pytest.mark.parametrize(("spatial", "temporal"), [("gap", "tap"), ("sap", "lstm")])
def test_a_preset_leaves_sections_that_are_not_used_alone(preset, spatial, temporal):
    filled = config(preset=preset, spatial=spatial, temporal=temporal)
    assert filled.cca == ContentAttentionConfig()
    assert filled.hta == TemporalAggregationConfig()


@pytest.mark.parametrize(
    ("preset", "given"),
    [
        ("paper", {"transformer_global": "cls"}),
        ("paper", {"embedding": None}),
        ("paper", {"embedding": ("final",)}),
        ("reference", {"pre_bn_base": False}),
    ],
)
def test_a_given_key_wins_over_the_preset_and_the_others_stay(preset, given):
    plain = config(preset=preset).model_dump()
    assert config(preset=preset, **given).model_dump() == {**plain, **given}


@pytest.mark.parametrize(
    ("preset", "section", "given"),
    [
        ("paper", "cca", {"transformer_ffn_ratio": 1.0}),
        ("paper", "cca", {"order": "folded"}),
        ("paper", "cca", {"self_heads": False}),
        ("reference", "cca", {"order": "folded"}),
        ("reference", "hta", {"align_dimension": None}),
        ("reference", "hta", {"ffn_ratios": (0.25,)}),
        ("reference", "hta", {"activation": "relu"}),
        ("reference", "hta", {"gated_attention": False}),
    ],
)
def test_a_given_key_of_a_section_wins_over_the_preset_and_the_others_stay(preset, section, given):
    plain = config(preset=preset).model_dump()
    expected = {**plain, section: {**plain[section], **given}}
    assert config(preset=preset, **{section: given}).model_dump() == expected


@pytest.mark.parametrize(
    ("preset", "section", "given", "mapping"),
    [
        ("paper", "cca", ContentAttentionConfig(self_heads=False), {"self_heads": False}),
        ("reference", "hta", TemporalAggregationConfig(depth=1), {"depth": 1}),
    ],
)
def test_a_section_given_as_an_object_is_filled_like_a_mapping(preset, section, given, mapping):
    assert config(preset=preset, **{section: given}) == config(preset=preset, **{section: mapping})


@pytest.mark.parametrize("depth", [0, 1, 3, 4])
def test_the_references_two_ratios_are_those_of_two_layers(depth):
    hta = config(preset="reference", hta={"depth": depth}).hta
    assert hta.ffn_ratios == (0.25,)
    assert config(preset="reference", hta={"depth": 2}).hta.ffn_ratios == (4.0, 0.25)


def test_content_is_left_as_it_was():
    content = {"preset": "paper", "cca": {"self_heads": True}}
    with_preset(content)
    assert content == {"preset": "paper", "cca": {"self_heads": True}}


@pytest.mark.parametrize("preset", ["recommended", "paper", "reference"])
@pytest.mark.parametrize("section", ["cca", "hta"])
@pytest.mark.parametrize("wrong", [3, "deep", [1], None])
def test_a_section_that_is_none_is_refused_under_every_preset(preset, section, wrong):
    with pytest.raises(ValidationError, match=f"{section}\n  Input should be a valid dictionary"):
        config(preset=preset, **{section: wrong})


def test_an_unknown_preset_is_refused_by_name():
    with pytest.raises(ValidationError, match="preset\n  Input should be 'recommended', 'paper'"):
        config(preset="papers")
