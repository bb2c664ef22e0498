"""Taking a winner home: a program of one file, its weights, the log of its study; and checking that they are true."""
