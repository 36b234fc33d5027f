"""Questions to recorded runs, or to the frameworks outside runs."""
