"""What a study says: its winner, the importance of its parameters, its runs as a table."""
