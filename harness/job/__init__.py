"""What is asked: the job, how it is chosen, and the plan of its cells."""
