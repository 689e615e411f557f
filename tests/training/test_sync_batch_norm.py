import pytest
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from model.registry import build_model
from tests.tiny_models import tiny_dcct
from training.distributed import Processes
from training.sync_batch_norm import synchronize_batch_norm
from training.trainer import Trainer


@pytest.fixture
def network():
    return build_model(tiny_dcct())


@pytest.mark.parametrize(
    ("device", "processes", "received"),
    [("cpu", 2, "2 on cpu"), ("cuda", 1, "1 on cuda")],
)
def test_statistics_are_shared_over_gpus_of_several_processes_only(
    network, device, processes, received
):
    with pytest.raises(ValueError, match=f"for sync_batch_norm, received {received}; start with"):
        synchronize_batch_norm(network, torch.device(device), Processes(0, processes))


def test_every_batch_norm_is_synchronized_under_its_own_name(network):
    before = network.state_dict()
    synchronize_batch_norm(network, torch.device("cuda"), Processes(0, 2))
    norms = [module for module in network.modules() if isinstance(module, _BatchNorm)]
    assert norms
    assert all(isinstance(norm, nn.SyncBatchNorm) for norm in norms)
    after = network.state_dict()
    assert list(before) == list(after)
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())


def test_a_cpu_run_that_asks_for_it_is_refused(small_config, drawn_tracklets):
    with pytest.raises(ValueError, match="received 1 on cpu; .* set sync_batch_norm to false"):
        Trainer(small_config(sync_batch_norm=True, device="cpu"), drawn_tracklets)
