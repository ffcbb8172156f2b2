"""The custom resources: models, validation, schema generation and safe reading of manifests."""
