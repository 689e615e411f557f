"""How well a model retrieves: protocols, metrics, reports."""
