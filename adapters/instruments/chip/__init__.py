"""The machine's own limits, measured by plain torch in a process like a cell's; not a framework."""
