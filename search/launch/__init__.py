"""Where runs train: the protocol of a launcher, and worker processes."""
