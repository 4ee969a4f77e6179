"""The flow on the kit's samples, with scripted people and a scripted model."""
