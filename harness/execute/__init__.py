"""Start one fresh process per cell, watch it, kill it if it must be, and say how it ended."""
