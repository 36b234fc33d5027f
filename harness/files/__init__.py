"""Files of any kind: where they are, and how they are written, read, locked and sealed."""
