"""What a study has learned of its search space: one Gaussian process over settings and learning curves."""
