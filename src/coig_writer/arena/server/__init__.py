"""The arena as a running service: store, votes, results, exports."""
