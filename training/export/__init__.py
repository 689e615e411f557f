"""From a trained network to an artifact that other people run."""
