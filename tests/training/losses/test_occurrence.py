import torch

from training.losses.occurrence import occurrence_numbers


def test_rows_are_counted_within_their_identity():
    torch.manual_seed(0)
    identities = torch.randint(0, 5, (40,))
    seen = []
    for identity, number in zip(
        identities.tolist(), occurrence_numbers(identities).tolist(), strict=True
    ):
        assert number == seen.count(identity)
        seen.append(identity)


def test_the_example_of_the_documentation():
    assert occurrence_numbers(torch.tensor([4, 7, 4])).tolist() == [0, 0, 1]
