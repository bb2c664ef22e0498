"""The database of studies: who may write to it, what is written and what is read."""
