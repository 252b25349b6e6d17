"""The contracts: what travels over HTTP and on the log, and nothing else."""
