"""The longest sequence and the largest micro batch that a framework trains within a memory budget."""
