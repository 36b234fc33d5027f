"""What the machine is, and what its processors, memory and GPUs do."""
