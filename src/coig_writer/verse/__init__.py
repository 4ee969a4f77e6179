"""What a form of verse demands of a text, checked character by character and explained."""
