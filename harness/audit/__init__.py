"""Was it the same job? What an audited process saw, held against the job and a reference; see docs/audit.md."""
