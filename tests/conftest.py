"""What all tests share: Hypothesis makes no claims of time, which a busy machine would break; and nobody's own state is touched."""

from itertools import count

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("gridtui", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("gridtui")

_NUMBERS = count()


@pytest.fixture(autouse=True)
def own_state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A state folder for each test: a fleet that is started records, and what one test saw is no other's past."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.getbasetemp() / f"state{next(_NUMBERS)}"))
