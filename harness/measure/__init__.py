"""The events of a cell -> its steps, its warm-up, and what the machine's limits say of them."""
