"""Preference statistics: bare mathematics inside, validation at the edges, frozen results."""
