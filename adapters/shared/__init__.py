"""Code that several frameworks' adapters share."""
