"""What every test shares: laws are judged by their outcome, never by how fast this machine is."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "kagents", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("kagents")
