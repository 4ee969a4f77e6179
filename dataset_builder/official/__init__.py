"""The authors' file: to rows, and from rows to rows with a genre."""
