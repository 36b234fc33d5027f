"""What each framework can do, found by doing it in a short job."""
