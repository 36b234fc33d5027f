"""Start one fresh process per cell, watch it, kill it if necessary, and say how it ended."""
