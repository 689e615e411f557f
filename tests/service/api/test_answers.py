import pytest
from pydantic import BaseModel

from service.api import answers

MODELS = [
    model
    for model in vars(answers).values()
    if isinstance(model, type) and issubclass(model, BaseModel) and model is not BaseModel
]


@pytest.mark.parametrize("model", MODELS)
def test_answers_are_frozen_and_tolerate_keys_of_a_newer_service(model):
    assert model.model_config["frozen"] is True
    assert model.model_config.get("extra", "ignore") == "ignore"


def test_an_older_client_reads_a_newer_answer():
    newer = '{"alive": true, "added_later": 1}'
    assert answers.AliveAnswer.model_validate_json(newer).alive
