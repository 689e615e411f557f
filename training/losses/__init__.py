"""What the networks are trained to do."""
