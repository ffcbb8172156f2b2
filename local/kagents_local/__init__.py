"""The embedded engine: API server on SQLite, kubelet of processes, and the daemon that holds both."""
