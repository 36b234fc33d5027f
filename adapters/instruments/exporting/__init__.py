"""After training, in a framework's environment: export the result, and read what the export kept of it."""
