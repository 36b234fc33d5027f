"""All that is printed for people: through rich where there is a terminal, in plain lines where there is none."""
