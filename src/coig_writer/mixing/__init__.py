"""Training mixtures: sources, sampling, controls and the chat format."""
