"""What a training script imports, and the run that an exported one makes."""
