"""The layers that are ours; everything else comes from torch and timm."""
