"""Pictures to look around in: a file for each shape of a view, and the page around it."""
