"""A reward model trained on exported votes."""
