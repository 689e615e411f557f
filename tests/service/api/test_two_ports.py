import asyncio

import httpx
import pytest

from service.api.two_ports import TwoPorts


def named(name, calls):
    async def app(scope, receive, send):
        calls.append(name)

    return app


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ({"type": "http", "server": ("10.0.0.1", 8001)}, "admin"),
        ({"type": "http", "server": ("10.0.0.1", 8000)}, "public"),
        ({"type": "http", "server": None}, "public"),
        ({"type": "lifespan"}, "public"),
        ({"type": "http", "server": ("::1", 8000), "headers": [(b"host", b"x:8001")]}, "public"),
    ],
)
def test_the_socket_s_own_port_decides(scope, expected):
    calls = []
    ports = TwoPorts(named("public", calls), named("admin", calls), admin_port=8001)
    asyncio.run(ports(scope, None, None))
    assert calls == [expected]


def test_each_port_knows_only_its_own_paths(http: httpx.Client, admin_http: httpx.Client):
    for path in ("/metrics", "/audit"):
        assert http.get(path).json()["error"]["code"] == "not_found"
        assert admin_http.get(path).status_code == 200
    for path in ("/galleries", "/model"):
        assert http.get(path).status_code == 200
        assert admin_http.get(path).json()["error"]["code"] == "not_found"


def test_no_header_leads_to_the_other_port(http: httpx.Client, admin_http: httpx.Client):
    headers = {"Host": f"localhost:{admin_http.base_url.port}", "X-Forwarded-Port": "8001"}
    assert http.get("/audit", headers=headers).status_code == 404
