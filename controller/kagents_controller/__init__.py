"""The shell around the pure reconciler: reflectors, work queue, executor, notifications."""
