"""What drives the harnesses: mutation of samples, judging, counting, and the process that watches."""
