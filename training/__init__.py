"""Everything needed to produce and to judge an artifact."""
