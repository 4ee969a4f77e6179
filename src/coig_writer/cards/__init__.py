"""Cards from facts, and the recomputation of their numbers."""
