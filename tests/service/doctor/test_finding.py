from service.doctor.finding import Finding, failed


def test_an_error_in_our_words_is_what_was_found_and_what_to_do():
    error = ValueError("expected a file, received: none; not this; copy it again")
    assert failed("artifact", error) == Finding(
        "artifact", "fail", "expected a file, received: none; not this", "copy it again"
    )


def test_an_error_in_other_words_is_shown_whole():
    assert failed("store", OSError("broken")) == Finding(
        "store", "fail", "broken", "see the message"
    )
