"""The machine: what it is, and what its processors, memory and GPUs do."""
