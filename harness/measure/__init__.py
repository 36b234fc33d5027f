"""The events of a cell -> its steps and its warm-up; a cell's figures against the machine's limits."""
