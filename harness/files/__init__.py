"""Files of any kind: where they are, how they are written, read, locked and sealed."""
