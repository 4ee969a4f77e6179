"""What is preferred at equal length and format."""
