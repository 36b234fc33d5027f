"""What a run leaves on disk: written while it runs, checked when it is read back."""
