"""The Python client, and what the command line does with it."""
