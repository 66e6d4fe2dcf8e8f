"""How many threads the model server takes."""

import os

import pytest

from chatbot.dev.model_server import threads_free


@pytest.fixture
def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def test_all_cores_without_a_quota(tmp_path, cores):
    assert threads_free(tmp_path) == min(cores, 16)
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert threads_free(tmp_path) == min(cores, 16)


def test_quota_of_the_container(tmp_path):
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    assert threads_free(tmp_path) == 1


def test_quota_of_an_older_container(tmp_path, cores):
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("-1\n")
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert threads_free(tmp_path) == min(cores, 16)
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("100000\n")
    assert threads_free(tmp_path) == 1
