"""What every part of kagents shares: the API, the wire, the pure reconciler and the native team files."""
