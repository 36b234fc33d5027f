"""A whole run: its order, its rounds, its end, and how it resumes."""
