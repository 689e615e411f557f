"""What people look at: curves, ranked lists of tracklets, attention over frames."""
