"""The Python door: studies as objects, and the functions that read, start and resume them."""
