"""What is asked for: the job, how it is chosen, and the plan of its cells."""
