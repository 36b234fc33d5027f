"""Stars from a published rule over measured facts: rules + measures -> matrix -> recommendation."""
