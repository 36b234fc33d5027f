"""The audit's eyes inside a framework's process: hooks on the live model and optimizer, never in a timed cell."""
