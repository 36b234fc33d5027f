"""What a run leaves on disk: written as it happens, checked and read back."""
