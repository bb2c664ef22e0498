"""The network: its layers, and the file that keeps what it has learned."""
