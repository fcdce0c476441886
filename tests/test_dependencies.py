"""The versions that pyproject.toml allows: none with a known hole, and none without a bound."""

import re
import tomllib
from importlib.metadata import version

import pytest
from conftest import ROOT

# The first version without the holes that pyproject.toml names.
WITHOUT_HOLES = {"h5py": "3.16", "pillow": "12.3", "tqdm": "4.66.3", "requests": "2.33", "urllib3": "2.7"}


def needed():
    with (ROOT / "pyproject.toml").open("rb") as file:
        return tomllib.load(file)["project"]["dependencies"]


def numbers(text):
    """(12, 3) of "12.3", so that 12.10 is the larger."""
    return tuple(map(int, re.findall(r"\d+", text)))


@pytest.mark.parametrize("line", needed())
def test_each_dependency_has_a_lower_bound_that_is_met_here(line):
    name, bound = re.fullmatch(r"([a-z0-9]+)>=([0-9.]+)", line).groups()
    assert numbers(version(name)) >= numbers(bound)
    assert numbers(bound) >= numbers(WITHOUT_HOLES.get(name, "0"))


def test_every_hole_is_in_a_dependency():
    assert {line.partition(">")[0] for line in needed()} >= set(WITHOUT_HOLES)


def test_what_is_imported_is_declared():
    """urllib3 comes with requests, and its errors are caught by name: so it is a dependency of its own."""
    source = (ROOT / "minivis" / "weights" / "download.py").read_text(encoding="utf-8")
    assert "import urllib3" in source
