"""How tracklets are compared wherever this project reports a number."""

from model.manifest import FrameChoice

# Most tracklets of the public data sets are longer; every frame counts up to the cost of 32.
FRAME_CHOICE = FrameChoice(policy="evenly_spaced", most=32)

SELF_RETRIEVAL = (
    "every tracklet is a query against all others; same identity and same camera left out; "
    f"cosine; standard average precision; at most {FRAME_CHOICE.most} evenly spaced frames"
)
