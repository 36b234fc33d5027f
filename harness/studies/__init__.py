"""What is asked of recorded runs, or of the frameworks beside them."""
