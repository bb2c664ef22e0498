"""Pruners: which trials are stopped early, a module each."""
