from training.evaluation.protocol import FRAME_CHOICE, SELF_RETRIEVAL


def test_the_sentence_states_the_number_of_frames():
    assert f"at most {FRAME_CHOICE.most} evenly spaced frames" in SELF_RETRIEVAL
