"""What is stored of a study, and what is read from it."""
