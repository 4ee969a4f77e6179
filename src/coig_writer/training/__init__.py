"""What runs on every training rank: sources, mixtures, the recipe, generation, the smoke model."""
