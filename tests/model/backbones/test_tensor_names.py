from model.backbones.tensor_names import some_names


def test_few_names_are_all_shown():
    assert some_names([]) == "[]"
    assert some_names([f"n{i}" for i in range(8)]).count("n") == 8


def test_of_many_names_the_first_are_shown_and_the_others_counted():
    assert some_names([f"n{i}" for i in range(11)]).endswith("'n6', 'n7'] and 3 more")
