"""What all tests share: Hypothesis makes no claims of time, which a busy machine would break."""

from hypothesis import HealthCheck, settings

settings.register_profile("gridtui", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("gridtui")
