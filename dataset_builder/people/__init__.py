"""The stages in which people work: annotation (reverse) and review."""
