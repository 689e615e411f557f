from service.client.progress_bar import progress_bar


def test_it_counts_on_standard_error_and_leaves_standard_output_to_the_answer(capsys):
    with progress_bar("export", 300) as advance:
        advance(256)
        advance(44)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "export" in shown.err
    assert "300/300 tracklets" in shown.err
