from dataclasses import replace

from prometheus_client import CollectorRegistry, generate_latest

from service.service_metrics import ModelFacts, ServiceFacts, ServiceMetrics
from tests.metric_samples import samples

MODEL = ModelFacts("tiny", "1", "f" * 64, "onnxruntime/CPU", "fp32", 12)
SERVING = ServiceFacts(alive=True, ready=True, model=MODEL)


def exposed(facts):
    registry = CollectorRegistry()
    registry.register(ServiceMetrics(lambda: facts))
    return samples(generate_latest(registry).decode())


def test_the_model_what_runs_it_and_what_is_under_way_are_told():
    assert exposed(SERVING) == {
        ("reid_alive",): 1,
        ("reid_ready",): 1,
        ("reid_items_under_way",): 12,
        ("reid_model_info", "1", "f" * 64, "fp32", "onnxruntime/CPU", "tiny"): 1,
    }


def test_while_it_starts_there_is_no_model():
    starting = ServiceFacts(alive=True, ready=False, model=None)
    assert exposed(starting) == {("reid_alive",): 1, ("reid_ready",): 0}


def test_alive_and_ready_are_told_apart():
    draining = exposed(replace(SERVING, ready=False))
    ill = exposed(replace(SERVING, alive=False, ready=False))
    assert (draining["reid_alive",], draining["reid_ready",]) == (1, 0)
    assert (ill["reid_alive",], ill["reid_ready",]) == (0, 0)
