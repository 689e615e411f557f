from types import SimpleNamespace

from service.errors import NotReady
from service.metric_facts import gallery_facts, service_facts


def lifecycle(*, runtime=None, illness=None, unreadiness=None):
    def opened():
        if runtime is None:
            raise NotReady(expected="a", received="b", remedy="c")
        return runtime

    return SimpleNamespace(
        runtime=opened, illness=lambda: illness, unreadiness=lambda: unreadiness or illness
    )


SERVING = SimpleNamespace(
    manifest=SimpleNamespace(model=SimpleNamespace(name="tiny", version="1", fingerprint="f")),
    embedder=SimpleNamespace(served=SimpleNamespace(backends=("cpu", "cpu"), precision="bf16")),
    admission=SimpleNamespace(held_items=5),
    gallery=SimpleNamespace(catalogue=SimpleNamespace(statuses=lambda: ["status"])),
    forgetting="forgetting",
)


def test_a_service_that_starts_is_alive_and_knows_no_gallery():
    starting = lifecycle()
    assert gallery_facts(starting) is None
    facts = service_facts(starting)
    assert (facts.alive, facts.ready, facts.model) == (True, False, None)


def test_a_service_that_serves_tells_its_model_and_its_galleries():
    serving = lifecycle(runtime=SERVING)
    facts = service_facts(serving)
    assert (facts.alive, facts.ready) == (True, True)
    assert (facts.model.backend, facts.model.precision) == ("cpu", "bf16")
    assert facts.model.items_under_way == 5
    assert gallery_facts(serving).replicas == ["status"]
    assert gallery_facts(serving).forgetting == "forgetting"


def test_one_that_drains_or_is_ill_is_not_ready():
    draining = service_facts(lifecycle(runtime=SERVING, unreadiness="stops"))
    assert (draining.alive, draining.ready) == (True, False)
    ill = service_facts(lifecycle(runtime=SERVING, illness="lost"))
    assert (ill.alive, ill.ready) == (False, False)
