"""What every framework's probes share. Runs inside a framework's environment; torch is imported where it is needed."""
