"""Fifty kills of training in both frameworks, of publishing, of building and starting a lesson."""

import pytest

from tests.course_tools.test_kills import kill


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("scenario", ["torch", "keras", "publish", "build", "start"])
def test_fifty_kills_lose_nothing(scenario, tmp_path):
    assert kill(scenario, tmp_path, 50) > 10
