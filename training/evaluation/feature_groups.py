"""Names of features on a command line → the parts of a network they are made of."""

from collections.abc import Sequence

from model.dcct_config import DCCTConfig
from model.tracklet_network import TrackletNetwork

FULL, STUDENT = "full", "student"


def default_features(network: TrackletNetwork) -> tuple[str, ...]:
    """`full`, and `student` where the network holds one that is not all of it."""
    config = network.config
    if isinstance(config, DCCTConfig) and config.branches != network.embedding_parts:
        return (FULL, STUDENT)
    return (FULL,)


def feature_parts(network: TrackletNetwork, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Every name with its parts, in the order in which they are concatenated.

    A name is `full` (the network's own embedding), a part, `student` (the base parts of a DCCT,
    all that its backbones-only student has), a group of a DCCT's parts such as `cca`, or several of
    these joined by `+`: the paper's ensemble is `student+final`.

    Raises:
        ValueError: When the network makes no such part, or a part is named twice.
    """
    return {name: _joined(network, name) for name in names}


def _joined(network: TrackletNetwork, name: str) -> tuple[str, ...]:
    parts = tuple(part for term in name.split("+") for part in _parts_of(network, term))
    if len(parts) != len({*parts}):
        raise ValueError(
            f"expected every part once in features {name!r}, received the parts {list(parts)}; "
            "drop the repeated one"
        )
    return parts


def _parts_of(network: TrackletNetwork, term: str) -> tuple[str, ...]:
    made = _parts_made(network)
    if term == FULL:
        return network.embedding_parts
    if term in made:
        return (term,)
    group: tuple[str, ...] = ()
    if isinstance(network.config, DCCTConfig):
        group = network.config.parts_of("base" if term == STUDENT else term)
    if not group or not {*group} <= {*made}:
        raise ValueError(
            f"expected features of {_known(network)}, or some joined by +, received {term!r}, "
            f"which {network.config.summary} does not make; choose among them"
        )
    return group


def _parts_made(network: TrackletNetwork) -> tuple[str, ...]:
    """A frame model computes no more than it retrieves with."""
    if network.batching_unit == "frame":
        return network.embedding_parts
    return tuple(network.part_dimensions)


def _known(network: TrackletNetwork) -> list[str]:
    student = [STUDENT] if isinstance(network.config, DCCTConfig) else []
    return [FULL, *student, *_parts_made(network)]
