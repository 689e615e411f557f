"""Where the paper, its reference implementation and the recommended choice differ (spec §1.15)."""

from collections.abc import Mapping

# The parameter table of the paper fits a Transformer MLP of half the branch's width (spec §1.14).
_PAPER_CCA = {"transformer_ffn_ratio": 0.5, "order": "projected"}
_REFERENCE_HTA = {"align_dimension": 512, "ffn_ratios": (4.0, 0.25), "activation": "gelu"}


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
        filled.setdefault("embedding", _base_and_last(spatial, temporal, content.get("hta")))
        if spatial == "cca":
            filled["cca"] = _section(_PAPER_CCA, content.get("cca"))
    if preset == "reference":
        filled.setdefault("pre_bn_base", True)
        if spatial == "cca":
            filled["cca"] = _section({"order": "projected"}, content.get("cca"))
        if temporal == "hta":
            filled["hta"] = _reference_hta(content.get("hta"))
    return filled


def _base_and_last(spatial: object, temporal: object, hta: object) -> tuple[object, ...]:
    """The paper retrieves with the base features and the last ones there are (Fig. 6)."""
    depth = _given(hta).get("depth", 2)
    if temporal == "lstm" or (temporal == "hta" and depth != 0):
        return ("base", "final")
    return ("base",) if spatial == "gap" else ("base", spatial)


def _reference_hta(given: object) -> object:
    """Ratios 4 and ¼ are those of two layers; another depth keeps the default ratio."""
    preset: dict[str, object] = dict(_REFERENCE_HTA)
    if _given(given).get("depth", 2) != 2:
        del preset["ffn_ratios"]
    return _section(preset, given)


def _section(preset: Mapping[str, object], given: object) -> object:
    if given is None or isinstance(given, Mapping):
        return {**preset, **_given(given)}
    return given


def _given(section: object) -> Mapping[str, object]:
    if isinstance(section, Mapping):
        return section
    return {} if section is None else dict(section)  # type: ignore[call-overload]
