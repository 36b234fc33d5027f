"""Measuring from outside the framework: GPU, memory, host."""
