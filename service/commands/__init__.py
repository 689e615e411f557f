"""Groups of commands of `reid`."""
