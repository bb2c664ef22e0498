"""What each kind of picture shows, as plain data: a file a kind, and files of shapes that several kinds share."""
