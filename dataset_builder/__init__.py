"""Builds the dataset from raw texts to the published folder: python -m dataset_builder VERB."""
