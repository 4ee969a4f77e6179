"""Answers of a model to the benchmark, from local weights or a server."""
