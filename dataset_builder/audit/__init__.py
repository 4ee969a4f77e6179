"""Balance, provenance, variety and leakage of a set, as a page and facts."""
