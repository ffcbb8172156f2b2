"""What runs inside a team's pods: prepare, await, supervise, record, tail, send, simulate."""
