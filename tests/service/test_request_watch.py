import subprocess
import sys
from types import SimpleNamespace

from service.request_watch import RequestWatch
from service.settings import Settings
from tests.live_service import ROOT


def test_without_a_collector_the_metrics_alone_are_told():
    told = []
    metrics = SimpleNamespace(began=lambda: told.append("began"), ended=told.append)
    watch = RequestWatch(metrics, Settings())
    watch.began()
    watch.ended("answered")
    watch.close()
    assert told == ["began", "answered"]


def test_with_a_collector_the_traces_are_told_as_well(monkeypatch):
    told = []

    class Recorded:
        def __init__(self, endpoint, *, share):
            told.append((endpoint, share))

        ended = staticmethod(told.append)
        close = staticmethod(lambda: told.append("closed"))

    monkeypatch.setattr("service.tracing.Tracing", Recorded)
    metrics = SimpleNamespace(began=lambda: None, ended=lambda answered: None)
    settings = Settings(traces_endpoint="http://collector:4318/v1/traces", traces_share=0.5)
    watch = RequestWatch(metrics, settings)
    watch.ended("answered")
    watch.close()
    assert told == [("http://collector:4318/v1/traces", 0.5), "answered", "closed"]


def test_without_a_collector_nothing_of_tracing_is_loaded():
    # redis loads a part of OpenTelemetry where it is installed; traces are made by these.
    code = (
        "import sys; from service.app import create_app; from service.settings import Settings; "
        "create_app(Settings()); "
        "traces = {'service.tracing', 'opentelemetry.sdk.trace', 'opentelemetry.exporter'}; "
        "print(sorted(traces & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
