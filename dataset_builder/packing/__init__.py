"""The published dataset: Parquet per genre, card, figures, builder class, and its later versions."""
