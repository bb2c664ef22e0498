"""A study in motion: start, resume, and the loop between them."""
