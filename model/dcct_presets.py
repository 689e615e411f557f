"""Where the paper, its reference implementation and the recommended choice differ (spec §1.15)."""

from collections.abc import Mapping

from pydantic import BaseModel

# The parameter table of the paper fits a Transformer MLP of half the branch's width (spec §1.14).
_PAPER_CCA = {"transformer_ffn_ratio": 0.5, "order": "projected"}
_REFERENCE_CCA = {"order": "projected"}
_REFERENCE_HTA = {"align_dimension": 512, "activation": "gelu"}


def with_preset(content: Mapping[str, object]) -> dict[str, object]:
    """Configuration content with the preset's value for each key that is not given.

    Sections that the configuration does not use stay empty. An unknown preset changes nothing: the
    configuration class refuses it by name.
    """
    preset = content.get("preset", "recommended")
    spatial = content.get("spatial", "cca")
    temporal = content.get("temporal", "hta")
    filled = dict(content)
    if preset == "paper":
        filled.setdefault("transformer_global", "gap")
        filled.setdefault("embedding", _base_and_last(spatial, temporal, filled))
        if spatial == "cca":
            filled["cca"] = _under(filled, "cca", _PAPER_CCA)
    if preset == "reference":
        filled.setdefault("pre_bn_base", True)
        if spatial == "cca":
            filled["cca"] = _under(filled, "cca", _REFERENCE_CCA)
        if temporal == "hta" and _depth(content) != 0:
            filled["hta"] = _under(filled, "hta", _reference_hta(filled))
    return filled


def _base_and_last(
    spatial: object, temporal: object, content: Mapping[str, object]
) -> tuple[object, ...]:
    """The paper retrieves with the base features and the last ones there are (Fig. 6)."""
    if temporal == "lstm" or (temporal == "hta" and _depth(content) != 0):
        return ("base", "final")
    return ("base",) if spatial == "gap" else ("base", spatial)


def _reference_hta(content: Mapping[str, object]) -> Mapping[str, object]:
    """Ratios 4 and ¼ are those of two layers; another depth keeps the default ratio."""
    if _depth(content) == 2:
        return {**_REFERENCE_HTA, "ffn_ratios": (4.0, 0.25)}
    return _REFERENCE_HTA


def _depth(content: Mapping[str, object]) -> object:
    return (_given(content, "hta") or {}).get("depth", 2)


def _under(content: Mapping[str, object], name: str, preset: Mapping[str, object]) -> object:
    """The section over the preset's values; what is no section is left for its class to refuse."""
    given = _given(content, name)
    return content[name] if given is None else {**preset, **given}


def _given(content: Mapping[str, object], name: str) -> Mapping[str, object] | None:
    """What was given of a section; none when it is something else than a section."""
    section = content.get(name, {})
    if isinstance(section, BaseModel):
        return section.model_dump(exclude_unset=True)
    return section if isinstance(section, Mapping) else None
