"""A user's own training script, run and scored under a study's rules."""
