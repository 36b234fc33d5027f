"""Was it the same job? The trace of an audited process is compared with the job and a reference; see docs/audit.md."""
