"""The code of a cell's process, in a framework's environment. Standard library only."""
