"""One folder per framework: its config of the job, and how its training path is run."""
