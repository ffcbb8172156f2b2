"""The wire to a Kubernetes API server: configuration, REST, watch, exec, logs, reflector and store."""
