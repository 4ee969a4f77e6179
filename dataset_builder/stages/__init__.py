"""The curation flow, one file per stage."""
