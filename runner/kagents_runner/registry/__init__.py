"""OCI artifacts pulled from a registry: reference, requests, unpacking."""
