"""Runs on the nodes of a Ray cluster: the process that speaks with Ray, and the workers on the nodes."""
