"""The text (corpus, split, windows), and what the machine is: cores, memory, clock, files. Knows no torch."""
