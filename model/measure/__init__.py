"""How a model is measured: the ruler, the tests of legality, and the scores of weights and of models from outside."""
