"""The part of the Kubernetes HTTP API that kagents and kubectl use, over one SQLite file."""
