"""The wire to a Kubernetes API server: configuration, requests, watch, exec, logs; reflector and store."""
