"""Renders and recomputes model cards from facts."""
