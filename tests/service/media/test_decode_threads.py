import pytest

from service.media.decode_threads import suitable_threads


@pytest.mark.parametrize(
    ("cores", "beside_a_gpu", "beside_the_model"),
    [(1, 1, 1), (2, 2, 1), (4, 4, 1), (8, 8, 2), (16, 8, 4), (64, 8, 8)],
)
def test_decoding_takes_few_cores_from_a_model_on_them_and_all_others_up_to_8(
    cores, beside_a_gpu, beside_the_model
):
    assert suitable_threads(cores, cores_are_free=True) == beside_a_gpu
    assert suitable_threads(cores, cores_are_free=False) == beside_the_model
