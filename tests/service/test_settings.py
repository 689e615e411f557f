import socket
from pathlib import Path

import pytest
from pydantic import ValidationError

from service.settings import Settings, SettingsError, load_settings


def test_a_variable_sets_a_setting_and_the_command_line_goes_before_it(monkeypatch):
    monkeypatch.setenv("REID_MAX_FRAMES", "7")
    monkeypatch.setenv("REID_PORT", "1")
    settings = load_settings({"port": 2})
    assert settings.max_frames == 7
    assert settings.port == 2


def test_settings_are_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        Settings().port = 1  # type: ignore[misc]


def test_a_misspelt_variable_is_refused_with_the_nearest_name(monkeypatch):
    monkeypatch.setenv("REID_MAX_FRAME", "7")
    with pytest.raises(SettingsError, match=r"received REID_MAX_FRAME; did you mean REID_MAX_FRAM"):
        load_settings({})


def test_an_unrelated_variable_is_refused_too(monkeypatch):
    monkeypatch.setenv("REID_ZZZ", "7")
    with pytest.raises(SettingsError, match=r"received REID_ZZZ; unset it"):
        load_settings({})


@pytest.mark.parametrize(
    ("name", "value"),
    [("max_frames", "0"), ("port", "65536"), ("log_level", "loud"), ("request_timeout_s", "0")],
)
def test_a_value_out_of_range_names_setting_value_and_remedy(monkeypatch, name, value):
    monkeypatch.setenv(f"REID_{name.upper()}", value)
    with pytest.raises(SettingsError) as caught:
        load_settings({})
    text = str(caught.value)
    assert f"expected {name} to satisfy" in text
    assert f"received '{value}'" in text
    assert f"correct REID_{name.upper()} or --{name.replace('_', '-')}" in text


def test_an_unknown_name_is_refused():
    with pytest.raises(SettingsError, match="portx"):
        load_settings({"portx": 1})


def test_the_default_artifact_is_the_shipped_one():
    assert Settings().artifact_dir == Path("artifacts/dcct-light")


def test_image_formats_are_written_between_commas(monkeypatch):
    monkeypatch.setenv("REID_IMAGE_FORMATS", "JPEG, PNG")
    assert load_settings({}).image_formats == ("JPEG", "PNG")


def test_the_store_is_chosen_by_variables(monkeypatch):
    monkeypatch.setenv("REID_STORE", "redis")
    monkeypatch.setenv("REID_REDIS_URL", "redis://store:6379/0")
    monkeypatch.setenv("REID_REDIS_PASSWORD_FILE", "/run/secrets/redis")
    monkeypatch.setenv("REID_REPLICA_NAME", "one")
    settings = load_settings({})
    assert settings.store == "redis"
    assert settings.redis_url == "redis://store:6379/0"
    assert settings.redis_password_file == Path("/run/secrets/redis")
    assert settings.replica_name == "one"


def test_a_replica_is_named_after_its_machine():
    assert Settings().replica_name == socket.gethostname()


@pytest.mark.parametrize("name", ["stale_after_s", "visible_within_s", "snapshot_every_s"])
@pytest.mark.parametrize("value", ["0", "nan", "inf"])
def test_a_bound_in_seconds_is_positive_and_finite(monkeypatch, name, value):
    monkeypatch.setenv(f"REID_{name.upper()}", value)
    with pytest.raises(SettingsError, match=f"expected {name} to satisfy"):
        load_settings({})


@pytest.mark.parametrize(
    ("text", "sizes"), [("8,16, 32", (8, 16, 32)), ("4", (4,)), ("", ()), ("1,2,", (1, 2))]
)
def test_batch_sizes_are_written_between_commas(monkeypatch, text, sizes):
    monkeypatch.setenv("REID_BATCH_SIZES", text)
    assert load_settings({}).batch_sizes == sizes


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"BATCH_SIZES": "2,1"}, "each size once, the smallest first"),
        ({"BATCH_SIZES": "2,2"}, "each size once, the smallest first"),
        ({"BATCH_SIZES": "0,2"}, "greater than or equal to 1"),
        ({"BATCH_SIZES": "2,4", "MAX_BATCH_FRAMES": "8"}, r"ending with max_batch_frames \(8\)"),
        ({"INFERENCE_PROVIDER": "abacus"}, "inference_provider"),
        ({"INFERENCE_PRECISION": "fp64"}, "inference_precision"),
        ({"INFERENCE_LANES": "-1"}, "inference_lanes"),
        ({"WARMUP": "some"}, "warmup"),
    ],
)
def test_ways_to_run_the_model_that_cannot_be(monkeypatch, variables, message):
    for name, value in variables.items():
        monkeypatch.setenv(f"REID_{name}", value)
    with pytest.raises(SettingsError, match=message):
        load_settings({})


def test_batch_sizes_may_end_with_the_largest_that_is_stated(monkeypatch):
    monkeypatch.setenv("REID_BATCH_SIZES", "2,8")
    monkeypatch.setenv("REID_MAX_BATCH_FRAMES", "8")
    assert load_settings({}).batch_sizes == (2, 8)
