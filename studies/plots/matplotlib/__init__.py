"""Pictures as PNG and SVG: a file for each shape of a view."""
