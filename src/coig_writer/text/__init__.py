"""Every rule about a text, once: normalising, n-grams, overlap, assistant frames, truncation, repetition, language, masking."""
