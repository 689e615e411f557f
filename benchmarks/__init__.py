"""Every published number: one command each, JSON out."""
