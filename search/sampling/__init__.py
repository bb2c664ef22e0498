"""What is searched, and how: search spaces, samplers and pruners."""
