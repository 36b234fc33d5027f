"""The machine's ceilings, measured by plain torch in a process like a cell's. Not a framework."""
