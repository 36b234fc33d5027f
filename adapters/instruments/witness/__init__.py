"""The audit's hooks on the live model and optimizer, inside a framework's process. Never in a timed cell."""
