"""Drawing by a Gaussian process over settings and learning curves: candidates, and which of them to try."""
