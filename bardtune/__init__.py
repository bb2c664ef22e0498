"""Search of the hyperparameters of a small byte-level GPT that trains on CPU under a wall-clock budget."""
