"""docker-compose.yml as a compose client reads it: durable, private, bounded, unprivileged."""

import stat
import subprocess

import pytest

from tests.deploy.container_files import COMPOSE_FILE, ROOT, compose_config, image_environment

BOTH = ("service", "redis")


@pytest.fixture(scope="module")
def config():
    return compose_config()


def redis_options(config):
    """The options of redis-server, from its list of arguments."""
    words = config["services"]["redis"]["command"]
    assert all(word.startswith("--") for word in words[::2])
    return dict(zip((word[2:] for word in words[::2]), words[1::2], strict=True))


def test_redis_acknowledges_after_the_fsync_and_never_evicts(config):
    options = redis_options(config)
    assert options["appendonly"] == "yes"
    assert options["appendfsync"] == "always"
    assert options["no-appendfsync-on-rewrite"] == "no"
    assert options["maxmemory-policy"] == "noeviction"
    assert options["dir"] == "/data"


def test_the_log_of_redis_and_the_snapshots_are_in_named_volumes(config):
    assert set(config["volumes"]) == {"galleries", "snapshots"}
    mounts = {name: _mounts(config, name) for name in BOTH}
    assert mounts["redis"]["/data"].startswith("galleries")
    assert mounts["service"]["/data"].startswith("snapshots")
    assert config["services"]["service"]["environment"]["REID_DATA_DIR"] == "/data"


def test_redis_is_reached_by_the_service_alone(config):
    redis = config["services"]["redis"]
    assert not redis.get("ports")
    assert not redis.get("expose")
    assert set(redis["networks"]) == {"store"}
    assert config["networks"]["store"]["internal"] is True
    assert set(config["services"]["service"]["networks"]) == {"edge", "store"}


def test_the_service_is_published_to_this_machine_only_unless_asked():
    ports = compose_config()["services"]["service"]["ports"]
    assert [_published(port) for port in ports] == [
        ("127.0.0.1", "8000", "8000"),
        ("127.0.0.1", "8001", "8001"),
    ]
    chosen = {"REID_PUBLISH": "0.0.0.0:80", "REID_PUBLISH_ADMIN": "10.0.0.1:81"}
    ports = compose_config(environment=chosen)["services"]["service"]["ports"]
    assert [_published(port) for port in ports] == [
        ("0.0.0.0", "80", "8000"),
        ("10.0.0.1", "81", "8001"),
    ]


def test_the_service_asks_for_keys_that_it_can_only_read(config):
    service = config["services"]["service"]
    environment = service["environment"]
    assert environment["REID_KEYS_FILE"] == "/run/keys/keys.json"
    assert "REID_ALLOW_ANYONE" not in environment
    assert environment["REID_SERVE_DOCS"] == "false"
    assert _mounts(config, "service")["/run/keys"] == str(ROOT / "deploy/keys")
    (keys,) = (mount for mount in service["volumes"] if "/run/keys" in str(mount))
    assert keys["read_only"] if isinstance(keys, dict) else keys.endswith(":ro")
    assert "/deploy/keys/" in (ROOT / ".gitignore").read_text().split()


@pytest.mark.parametrize("name", BOTH)
def test_nothing_is_root_and_nothing_can_be_gained(config, name):
    service = config["services"][name]
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["read_only"] is True
    assert not service.get("privileged")
    assert not service.get("cap_add")


def test_redis_runs_as_the_user_of_its_image(config):
    user, group = config["services"]["redis"]["user"].split(":")
    assert (int(user), int(group)) == (999, 999)


@pytest.mark.parametrize("name", BOTH)
def test_memory_and_processes_are_bounded_and_both_come_back(config, name):
    service = config["services"][name]
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert service["ulimits"]["nofile"]
    assert service["restart"] == "unless-stopped"
    assert service["stop_grace_period"] in {"60s", "1m0s", "1m"}


def test_the_service_waits_for_a_redis_that_answers(config):
    assert config["services"]["service"]["depends_on"]["redis"]["condition"] == "service_healthy"
    assert config["services"]["redis"]["healthcheck"]["test"][0] == "CMD-SHELL"


def test_the_password_is_a_file_and_stands_nowhere_else(config):
    assert config["secrets"]["redis_password"]["file"] == str(
        ROOT / "deploy/secrets/redis_password"
    )
    for name in BOTH:
        (secret,) = config["services"][name]["secrets"]
        assert secret["source"] == "redis_password"
        values = config["services"][name]["environment"].values()
        assert "/run/secrets/redis_password" in values
    assert "/deploy/secrets/" in (ROOT / ".gitignore").read_text().split()


def test_the_documented_line_makes_a_password(tmp_path):
    line = next(row for row in COMPOSE_FILE.read_text().split("\n") if "/dev/urandom" in row)
    subprocess.run(["sh", "-euc", line.lstrip("# ")], cwd=tmp_path, check=True)
    made = tmp_path / "deploy/secrets/redis_password"
    assert len(made.read_text()) == 64
    assert set(made.read_text()) <= set("0123456789abcdef")
    # Both containers run as users of their own, and a secret of a file keeps its mode.
    assert made.stat().st_mode & stat.S_IROTH


def test_memory_can_be_chosen():
    chosen = compose_config(environment={"REDIS_MAXMEMORY": "20gb", "REDIS_MEMORY": "40g"})
    assert redis_options(chosen)["maxmemory"] == "20gb"
    assert chosen["services"]["redis"]["mem_limit"] in {"40g", "42949672960"}


def test_the_tensorrt_file_asks_for_it_and_mounts_it_where_the_image_looks():
    files = [ROOT / "deploy/gpu.yml", ROOT / "deploy/tensorrt.yml"]
    config = compose_config(*files, environment={"TENSORRT_LIB": "/opt/TensorRT-10/lib"})
    service = config["services"]["service"]
    assert service["build"]["target"] == "gpu"
    assert service["environment"]["REID_INFERENCE_PROVIDER"] == "tensorrt"
    searched = image_environment("gpu")["LD_LIBRARY_PATH"].split(":")
    assert "/opt/tensorrt/lib" in searched
    assert "/opt/TensorRT-10/lib:/opt/tensorrt/lib:ro" in _short(service["volumes"])


def test_the_gpu_file_changes_the_target_and_asks_for_one_gpu(config):
    gpu = compose_config(ROOT / "deploy/gpu.yml")["services"]["service"]
    assert gpu["build"]["target"] == "gpu"
    (device,) = gpu["deploy"]["resources"]["reservations"]["devices"]
    assert (device["driver"], device["capabilities"]) == ("nvidia", ["gpu"])
    assert gpu["environment"] == config["services"]["service"]["environment"]


def _mounts(config, name):
    """From the place in the container to what is mounted there."""
    found = {}
    for mount in config["services"][name]["volumes"]:
        if isinstance(mount, dict):
            found[mount["target"]] = mount["source"]
        else:
            source, target, *_ = mount.split(":")
            found[target] = source
    return found


def _published(port):
    if isinstance(port, dict):
        return port["host_ip"], str(port["published"]), str(port["target"])
    address, published, target = port.removesuffix("/tcp").split(":")
    return address, published, target


def _short(volumes):
    """Mounts in the short form, which compose clients write out in different forms."""
    return [
        volume
        if isinstance(volume, str)
        else f"{volume['source']}:{volume['target']}:{'ro' if volume.get('read_only') else 'rw'}"
        for volume in volumes
    ]
