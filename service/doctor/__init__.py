"""Looks at everything that a start needs, and says of each part whether it is there."""
