"""The parts of a report, each a function from a recorded run to blocks."""
