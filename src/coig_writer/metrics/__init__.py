"""Text metrics: pure functions of a text, each with its definition and source."""
