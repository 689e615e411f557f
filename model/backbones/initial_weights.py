"""What a backbone starts from: fresh weights, a local file, or what timm fetches.

A network starts complete or not at all: missing and misshapen tensors are refused by name, and
tensors that found no place are named in one warning.
"""

import logging
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

import timm
from torch import nn

from model.backbones.tensor_names import some_names
from model.backbones.timm_conversion import Tensors, convert
from model.backbones.weight_file import TensorGroup, read_tensor_groups

logger = logging.getLogger("model.backbones")

# Files of self-supervised training hold a network twice; the averaged one is the one to keep.
_AVERAGED = {"ema", "teacher"}


def initialize(network: nn.Module, name: str, *, pretrained: bool, weights: Path | None) -> None:
    """Load a file into `network`, or what timm fetches; a file goes before fetching.

    A file may nest its tensors (`state_dict`, `model`, `teacher`, ...) and prefix their names
    (`module.`, `backbone.`, `module.encoder_q.`, ...): the group and prefix that fit the network
    best are taken. Names of other implementations (OpenAI's CLIP, DINO, torchvision) become timm's,
    and positions, patches and relative positions are resized, as timm does it.

    Raises:
        ValueError: When the weights cannot be had, or do not fill the network: naming the tensors.
    """
    if weights is not None:
        _load_file(network, name, weights)
    elif pretrained:
        _fetch(network, name)


class _LoadedKeys(Protocol):
    """What torch tells of a state that it loaded."""

    missing_keys: list[str]
    unexpected_keys: list[str]


class _Reading(NamedTuple):
    """One way to read a file: a group, a prefix of its names, and what timm makes of the rest."""

    group: TensorGroup
    prefix: str
    rest: Tensors
    converted: Tensors
    refusal: str


def _load_file(network: nn.Module, name: str, path: Path) -> None:
    groups = read_tensor_groups(path)
    expected = network.state_dict()
    readings = list(_readings(network, name, groups, least=len(expected) // 2))
    best = max(readings, key=lambda reading: _fit(reading, expected))
    if not expected.keys() & best.converted.keys():
        held = [_full(group.place, key) for group in groups for key in group.tensors]
        refusals = dict.fromkeys(f", {reading.refusal}" for reading in readings if reading.refusal)
        raise ValueError(
            f"expected weights of {name!r} in {path}, received {some_names(held)}, which it has no "
            f"place for{''.join(refusals)}; name the network the file was made for"
        )
    _require_fitting(best.converted, expected, source=f"{path} for {name!r}")
    kept = {key: best.converted[key] for key in expected if key in best.converted}
    network.load_state_dict(kept, strict=False)
    _warn_of_unused(_unused(groups, best, expected), source=str(path), name=name)


def _fetch(network: nn.Module, name: str) -> None:
    """Let timm find, fetch, convert and load the weights, and look at what it left out."""
    missing: list[str] = []
    unused: list[str] = []

    def note(_network: nn.Module, keys: _LoadedKeys) -> None:
        missing.extend(keys.missing_keys)
        unused.extend(keys.unexpected_keys)

    handle = network.register_load_state_dict_post_hook(note)  # type: ignore[no-untyped-call]
    try:
        timm.models.load_pretrained(
            network,
            num_classes=0,
            filter_fn=lambda tensors, model: convert(tensors, model, name),
            strict=False,
        )
    except (OSError, RuntimeError, ValueError) as error:
        architecture = name.partition(".")[0]
        raise ValueError(
            f"expected timm to fetch the weights of {name!r}, received: {error}; connect this "
            f"machine, choose one of {timm.list_pretrained(f'{architecture}.*')}, give a local "
            "file of weights, or set pretrained to false"
        ) from error
    finally:
        handle.remove()
    _require_complete(missing, source=f"what timm fetched for {name!r}")
    _warn_of_unused(unused, source="what timm fetched", name=name)


def _readings(
    network: nn.Module, name: str, groups: list[TensorGroup], *, least: int
) -> Iterator[_Reading]:
    for group in groups:
        for prefix in _prefixes(group.tensors, least=least):
            rest = {
                key.removeprefix(prefix): tensor
                for key, tensor in group.tensors.items()
                if key.startswith(prefix)
            }
            try:
                yield _Reading(group, prefix, rest, convert(rest, network, name), refusal="")
            except ValueError as error:
                yield _Reading(group, prefix, rest, {}, refusal=str(error))


def _prefixes(names: Iterable[str], *, least: int) -> list[str]:
    """The empty prefix, and the dotted ones that at least so many names start with."""
    counts: Counter[str] = Counter()
    for name in names:
        words = name.split(".")
        counts.update(".".join(words[:depth]) + "." for depth in range(1, len(words)))
    return ["", *(prefix for prefix, count in counts.items() if count >= least)]


def _fit(reading: _Reading, expected: Tensors) -> tuple[int, bool, int]:
    """How well a reading fits: tensors it fills, whether averaged, how little it leaves unnamed."""
    words = set(re.split(r"[._]", _full(reading.group.place, reading.prefix)))
    filled = len(expected.keys() & reading.converted.keys())
    return filled, bool(words & _AVERAGED), reading.prefix.count(".")


def _require_fitting(tensors: Tensors, expected: Tensors, *, source: str) -> None:
    # Files older than this counter of batch normalisation have none, and torch fills in 0.
    _require_complete(
        [
            key
            for key in expected
            if key not in tensors and not key.endswith(".num_batches_tracked")
        ],
        source=source,
    )
    misshapen = [
        f"{key} {tuple(tensors[key].shape)} for {tuple(value.shape)}"
        for key, value in expected.items()
        if key in tensors and tensors[key].shape != value.shape
    ]
    if misshapen:
        raise ValueError(
            f"expected tensors of the network's shapes in {source}, received "
            f"{some_names(misshapen)}; name the network the file was made for"
        )


def _require_complete(missing: Collection[str], *, source: str) -> None:
    if missing:
        raise ValueError(
            f"expected every tensor of the network in {source}, received {len(missing)} too few: "
            f"{some_names(missing)}; name the network the file was made for"
        )


def _unused(groups: list[TensorGroup], best: _Reading, expected: Tensors) -> list[str]:
    """Names, as the file has them, of the tensors that found no place in the network."""
    outside = [
        _full(group.place, key)
        for group in groups
        for key in group.tensors
        if group is not best.group or not key.startswith(best.prefix)
    ]
    homeless = [key for key in best.converted if key not in expected]
    if best.converted.keys() <= best.rest.keys():
        # Nothing was renamed, so what timm's conversion dropped is known by name too.
        homeless += [key for key in best.rest if key not in best.converted]
    return [_full(best.group.place, f"{best.prefix}{key}") for key in homeless] + outside


def _warn_of_unused(unused: Collection[str], *, source: str, name: str) -> None:
    if unused:
        logger.warning(
            "%d tensors of %s found no place in %r: %s",
            len(unused),
            source,
            name,
            some_names(unused),
        )


def _full(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key
