import numpy as np

from benchmarks.drawn_worlds import CAMERAS, IDENTITIES, Passage, right_answers


def passages(embedding_of):
    return [
        Passage(identity, camera, embedding_of(identity, camera))
        for identity in range(IDENTITIES)
        for camera in range(CAMERAS)
    ]


def test_a_model_that_knows_the_person_is_always_right():
    assert right_answers(passages(lambda identity, _: np.eye(IDENTITIES)[identity])) == IDENTITIES


def test_a_model_that_knows_the_camera_alone_is_no_better_than_the_order_of_the_gallery():
    def camera_only(_, camera):
        return np.eye(CAMERAS)[camera]

    assert right_answers(passages(camera_only)) <= CAMERAS
