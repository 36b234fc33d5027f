"""Everything that is printed for people: through rich on a terminal, in plain lines elsewhere."""
