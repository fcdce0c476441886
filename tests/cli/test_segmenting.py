"""minivis segment and minivis localise: reports, tables, and what is told in one line."""

import csv

import numpy as np
import pytest
from command_line import caller, prepare
from PIL import Image

from minivis.pictures import save_picture

XML = (
    "<annotation><object><name>{}</name><bndbox><xmin>3</xmin><ymin>3</ymin><xmax>12</xmax><ymax>12</ymax></bndbox>"
    "</object></annotation>"
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    return prepare(tmp_path, monkeypatch)


@pytest.fixture
def call(capsys):
    return caller(capsys)


def test_segment_writes_the_report_and_says_where_the_box_is(folder, call):
    words = ["segment", "cat.png", "--net", "chain.h5", "--smoothness", "0.5"]
    said = call(*words, "--target", "dog", "--out", "s.png")
    assert said.code == 0 and not said.err
    assert said.out.startswith("dog (") and "photograph of 24 x 20" in said.out and said.out.endswith("s.png\n")
    with Image.open(folder / "s.png") as image:
        assert image.size[0] > 6 * 190
    again = call(*words, "--target", "4", "--out", "t.png")
    assert again.out.replace("t.png", "s.png") == said.out
    assert (folder / "s.png").read_bytes() == (folder / "t.png").read_bytes()


def test_segment_says_that_it_found_nothing(folder, call):
    said = call("segment", "cat.png", "--net", "chain.h5", "--smoothness", "1000")
    assert said.code == 0 and "the cut finds no foreground; a smaller --smoothness may" in said.out


@pytest.mark.parametrize(
    "words, message",
    [
        (["none.png"], "none.png"),
        (["cat.png", "--target", "unicorn"], "no class is called 'unicorn'"),
        (["cat.png", "--foreground", "0.2"], "background < foreground"),
        (["cat.png", "--smoothness", "-1"], "smoothness of 0 or more"),
        (["cat.png", "--smoothness", "nan"], "finite"),
        (["cat.png", "--components", "0"], "--components"),
        (["cat.png", "--out", "no/folder.png"], "no folder"),
    ],
)
def test_segment_refuses_in_one_line(folder, call, words, message):
    said = call("segment", *words, "--net", "chain.h5")
    assert said.code == 2 and said.err.count("\n") == 1 and message in said.err


def test_localise_prints_the_errors_writes_the_table_and_lists_the_rest(folder, call):
    (folder / "voc").mkdir()
    rng = np.random.default_rng(3)
    for name in "abc":
        save_picture(folder / "voc" / f"{name}.png", rng.uniform(0, 255, (20, 24, 3)))
        (folder / "voc" / f"{name}.xml").write_text(XML.format("cat"))
    (folder / "voc" / "lost.xml").write_text(XML.format("cat"))
    (folder / "names.csv").write_text("cat,bee\ncat,4\n")
    words = ["localise", "chain.h5", "voc", "--names", "names.csv", "--k", "5", "--out", "l.png"]
    said = call(*words)
    assert said.code == 0 and "3 pictures, graphcut" in said.out
    assert (
        "left out, since they cannot be used: 1 files" in said.err and "lost.xml: no picture has its name" in said.err
    )
    with (folder / "l.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 15 and [line["rank"] for line in lines[:5]] == list("12345")
    right = {line["file"] for line in lines if line["right"] == "1"}
    assert f"top 5: {1 - len(right) / 3:6.1%}    0.0%" in said.out
    assert all((float(line["overlap"]) >= 0.5) == (line["right"] == "1") for line in lines)
    with Image.open(folder / "l.png") as image:
        assert image.size[0] > 3 * 224


@pytest.mark.parametrize(
    "words, message",
    [
        (["none"], "there is no folder 'none'"),
        (["."], "no box file"),
        (["voc", "--k", "9"], "--k lies in 1..5"),
        (["voc", "--method", "cam"], "global average pooling"),
        (["voc"], "none of the 1 box files can be used"),
        (["voc", "--names", "none.csv"], "cannot be read"),
        (["voc", "--names", "bad.csv"], "line 1: expected NAME,CLASS"),
        (["voc", "--names", "chain.h5"], "no table of text"),
        (["voc", "--out", "x.csv"], "--out names the sheet"),
        (["voc", "--workers", "1", "--scheduler", "tcp://x"], "not both"),
    ],
)
def test_localise_refuses_in_one_line(folder, call, words, message):
    (folder / "voc").mkdir()
    (folder / "bad.csv").write_text("cat\n")
    if words[0] != ".":
        (folder / "voc" / "a.xml").write_text("<html/>")
        save_picture(folder / "voc" / "a.png", np.zeros((20, 20, 3)))
    said = call("localise", "chain.h5", *words)
    assert said.code == 2 and said.err.count("\n") == 1 and message in said.err
