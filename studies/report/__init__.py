"""One page about a study."""
