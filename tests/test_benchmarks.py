"""The benchmarks' own arithmetic, and that their page is what the measured results say."""

import json
import sys

import numpy as np
import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))

import render
import rows
import run

RESULTS = sorted((ROOT / "benchmarks" / "results").glob("*.json"))


@pytest.mark.parametrize(("window", "stride", "size"), [(4, 2, 12), (3, 3, 11), (5, 2, 16), (4, 1, 9)])
def test_the_drop_of_each_window_is_worked_out_from_captums_averages(window, stride, size, rng):
    count = (size - window) // stride + 1
    drops = rng.standard_normal((count, count))
    total, over = np.zeros((size, size)), np.zeros((size, size))
    for i, j in np.ndindex(count, count):
        place = slice(i * stride, i * stride + window), slice(j * stride, j * stride + window)
        total[place] += drops[i, j]
        over[place] += 1
    pixels = total / np.maximum(over, 1)
    np.testing.assert_allclose(rows.per_window(pixels, window, stride), drops, atol=1e-12)


def test_agreement_is_not_claimed_where_there_is_nothing_to_compare():
    row = rows.ROWS[0]
    zeros, ones = np.zeros((1, 4, 4, 3)), np.ones((1, 4, 4, 3))
    assert run.agreement(zeros, zeros, row)["cosine"] is None
    assert run.agreement(zeros, ones, row)["difference"] is None
    found = run.agreement(ones, 2 * ones, row)
    assert (found["difference"], found["cosine"]) == (0.5, pytest.approx(1.0))


def test_every_row_is_a_task_of_ours():
    import ours

    for row in (*rows.ROWS, *rows.SCALING, *rows.GPU_ROWS):
        assert row.task in ours.TASKS
        assert row.data().shape == row.shape


def test_the_page_is_what_the_results_say():
    assert RESULTS
    assert (ROOT / "benchmarks" / "README.md").read_text() == render.page()


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_results_hold_what_they_are_read_for(path):
    report = json.loads(path.read_text())
    assert {"command", "date", "machine", "threads", "environment", "rows"} <= set(report)
    for row in report["rows"]:
        for system, times in row["all_seconds"].items():
            assert row["seconds"][system] == pytest.approx(np.median(times))
        assert row["ratio"]["theirs"] == pytest.approx(row["seconds"]["ours"] / row["seconds"]["theirs"])
        assert row["peak_MiB"].keys() == row["versions"].keys() == row["seconds"].keys()
