"""The text: corpus, split, windows, tokenizer. Knows numpy and nothing above it."""
