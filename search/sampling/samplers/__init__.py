"""Samplers: how the next parameters are drawn, a module each."""
