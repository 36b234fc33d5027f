"""What is not a framework: the witness, the reference, the ceiling, the chip, the probes."""
