"""One training run: trainer, budget, clock, optimizers and checkpoints."""
