"""One folder per framework: how the job is said in its words, and how its own training path is run."""
