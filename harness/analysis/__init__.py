"""Recorded cells -> what they say, and how sure it is."""
