"""A study: its file, its texts, and who sees what."""
