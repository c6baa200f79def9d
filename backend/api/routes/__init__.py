"""The addresses of the API, one module per noun: HTTP and nothing else."""
