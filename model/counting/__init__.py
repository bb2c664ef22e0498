"""What is counted in the text, and the experts that predict from it."""
