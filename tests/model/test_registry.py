import re
from typing import get_args

import pytest
import torch
from pydantic import ValidationError

from model.dcct import DCCT
from model.dcct_config import DCCTConfig
from model.registry import MODELS, AnyModelConfig, build_model, parse_config
from model.related.grl import GRL, GRLConfig
from model.related.nvan import NVAN, NVANConfig, STENVANConfig
from model.related.temporal_pooling import TemporalPooling, TemporalPoolingConfig
from tests.tiny_models import tiny_dcct

SIZE = {"height": 64, "width": 32, "clip_frames": 4}
CONFIGS = [
    (tiny_dcct(), DCCT),
    (GRLConfig(**SIZE), GRL),
    (NVANConfig(**SIZE), NVAN),
    (STENVANConfig(**SIZE, stripes=4), NVAN),
    (TemporalPoolingConfig(**SIZE), TemporalPooling),
]
KINDS = [config.kind for config, _ in CONFIGS]


@pytest.fixture(scope="module", params=CONFIGS, ids=KINDS)
def network(request):
    config, kind_of_network = request.param
    with torch.device("meta"):
        network = build_model(config).eval()
    assert type(network) is kind_of_network
    assert network.config == config
    return network


def test_every_kind_is_registered_and_can_be_parsed():
    union, _ = get_args(AnyModelConfig)
    parsed = [config_class.model_fields["kind"].default for config_class in get_args(union)]
    assert list(MODELS) == parsed == KINDS


@pytest.mark.parametrize("config", [config for config, _ in CONFIGS], ids=KINDS)
def test_a_configuration_is_parsed_back_from_its_dump(config):
    assert parse_config(config.model_dump()) == config
    assert parse_config(config.model_dump(mode="json")) == config
    assert type(parse_config({"kind": config.kind})) is type(config)


def test_every_model_keeps_what_it_says_of_its_parts(network):
    features = network(torch.empty(2, 4, 3, 64, 32, device="meta"))
    dimensions = network.part_dimensions
    assert {name: rows.shape for name, rows in features.parts.items()} == {
        name: (2, dimension) for name, dimension in dimensions.items()
    }
    assert features.tracklet_globals.keys() == dimensions.keys()
    assert features.frame_globals.keys() == features.frame_features.keys()
    for name, rows in features.frame_features.items():
        assert rows.shape == (2, 4, dimensions[name])
    assert set(network.embedding_parts) <= set(dimensions)


def test_every_model_embeds_a_clip_in_its_declared_columns(network):
    embeddings = network.embed(torch.empty(2, 4, 3, 64, 32, device="meta"))
    assert embeddings.shape == (2, sum(network.embedding_dimensions.values()))


def test_every_model_names_its_own_backbones(network):
    children = {name for name, _ in network.named_children()}
    assert network.backbone_modules
    assert set(network.backbone_modules) <= children


def test_every_model_of_frames_has_parts_of_frames_and_every_other_refuses(network):
    frames = torch.empty(3, 3, 64, 32, device="meta")
    if network.batching_unit == "frame":
        shapes = {name: rows.shape for name, rows in network.frame_parts(frames).items()}
        assert shapes == {name: (3, d) for name, d in network.embedding_dimensions.items()}
        return
    message = "expected a model whose embedding is a mean over frames, received "
    with pytest.raises(ValueError, match=re.escape(message + network.config.summary)):
        network.frame_parts(frames)


def test_an_unknown_kind_is_named_with_the_known_ones():
    message = (
        "expected a model kind of ['dcct', 'grl', 'nvan', 'ste-nvan', 'temporal-pooling'], "
        "received 'osnet'; correct `model.kind` in the configuration"
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        build_model(DCCTConfig().model_copy(update={"kind": "osnet"}))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ({"kind": "osnet"}, "Input tag 'osnet' found using 'kind' does not match"),
        ({"height": 64}, "Unable to extract tag using discriminator 'kind'"),
        ({"kind": "grl", "cnn": "resnet50"}, "Extra inputs are not permitted"),
    ],
)
def test_content_of_no_model_cannot_be_parsed(content, complaint):
    with pytest.raises(ValidationError, match=complaint):
        parse_config(content)
