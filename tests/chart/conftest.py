"""A helm of each major release."""

from __future__ import annotations

import pytest
from tests.chart.chart import Helm, Rendered
from tests.chart.tools import CACHE, CARRIERS, provide
from tests.kubectl.binaries import UnavailableError


@pytest.fixture(scope="session", params=CARRIERS, ids="helm-{}".format)
def helm(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """A helm of one major release; one that cannot be had is skipped."""
    try:
        binary = provide(request.param, CACHE)
    except UnavailableError as reason:
        pytest.skip(f"helm {request.param}: {reason}")
    return Helm(binary, tmp_path_factory.mktemp("helm"))


@pytest.fixture(scope="session")
def default(helm: Helm) -> Rendered:
    """The chart without any values."""
    return helm.template()
