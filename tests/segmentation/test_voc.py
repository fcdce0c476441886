"""Box files: what they say, and what strangers may put into them."""

import os
import subprocess
import sys

import pytest

from minivis.errors import ImageFileError
from minivis.segmentation.voc import MOST_BYTES, read_voc

BOX = "<bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox>"


def annotation(box=(2, 3, 10, 20), name="cat", size="", more=""):
    return f"<annotation>{size}<object><name>{name}</name>{more}{BOX.format(*box)}</object></annotation>"


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / "a.xml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_a_box_file(write):
    size = "<size><width>30</width><height>20</height><depth>3</depth></size>"
    part = "<part><name>head</name>" + BOX.format(1, 1, 2, 2) + "</part>"
    found = read_voc(write(annotation(size=size, more=part)))
    assert found.size == (20, 30) and found.things == [("cat", (1, 2, 10, 20))]


def test_the_edges_of_counting(write):
    assert read_voc(write(annotation((1, 1, 1, 1)))).things[0].box == (0, 0, 1, 1)  # one pixel
    assert read_voc(write(annotation((0, 0, 5, 5)))).things[0].box == (0, 0, 5, 5)  # counted from 0
    assert read_voc(write(annotation((1.5, 2, 3.25, 4)))).things[0].box == (0.5, 1, 3.25, 4)
    unknown = "<size><width>0</width><height>0</height></size>"
    assert read_voc(write(annotation(size=unknown))).size is None


def test_other_encodings_are_read(write):
    assert read_voc(write(annotation(name="Käfer").encode("utf-16"))).things[0].name == "Käfer"


BOMB = "<!DOCTYPE a [<!ENTITY l0 'lol'>" + "".join(
    f"<!ENTITY l{i} '{f'&l{i - 1};' * 10}'>" for i in range(1, 12)
)  # 10^11 copies
HOSTILE = {
    "entity bomb": (BOMB + "]>" + annotation(name="&l11;"), "document type"),
    "entity bomb in utf-16": ((BOMB + "]>" + annotation(name="&l11;")).encode("utf-16"), "document type"),
    "external entity": (
        "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/hostname'>]>" + annotation(name="&x;"),
        "document type",
    ),
    "external document type": ("<!DOCTYPE a SYSTEM 'http://localhost:9/a.dtd'>" + annotation(), "document type"),
    "undefined entity": (annotation(name="&x;"), "undefined entity"),
    "wrong root": ("<html><body/></html>", "its root is <html>"),
    "empty": ("", "no element found"),
    "text": ("cat 1 2 3 4", "syntax error"),
    "binary": (bytes(range(256)), "invalid token|not well-formed|syntax"),
    "cut off": (annotation()[:-20], "no element found|unclosed"),
    "unknown encoding": ("<?xml version='1.0' encoding='klingon'?>" + annotation(), "encoding"),
    "no object": ("<annotation/>", "no <object>"),
    "no name": (annotation(name=" "), "no <name>"),
    "no box": ("<annotation><object><name>cat</name></object></annotation>", "no <bndbox>"),
    "no number": (annotation((1, "", 3, 4)), "no number <ymin>"),
    "words": (annotation((1, "two", 3, 4)), "no number <ymin>, got 'two'"),
    "NaN": (annotation(("nan", 1, 3, 4)), "<xmin> nan"),
    "infinite": (annotation((1, 1, "inf", 4)), "<xmax> inf"),
    "enormous": (annotation((1, 1, "1e300", 4)), "<xmax> 1e300"),
    "many digits": (annotation((1, 1, "9" * 5000, 4)), "<xmax> 999"),
    "negative": (annotation((-1, 1, 3, 4)), "negative or inside out"),
    "inside out": (annotation((5, 1, 3, 4)), "negative or inside out"),
    "empty box": (annotation((0, 0, 0, 0)), "empty box"),
    "outside": (annotation(size="<size><width>9</width><height>30</height></size>"), "outside the picture of 9 x 30"),
    "size without height": (annotation(size="<size><width>9</width></size>"), "no number <height>"),
    "deep": ("<annotation>" + "<a>" * 100_000, "nested more than"),
    "too many": ("<annotation>" + "<object/>" * 10_001 + "</annotation>", "more than 10,000"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_one_line(name, write):
    content, message = HOSTILE[name]
    with pytest.raises(ImageFileError, match=message) as told:
        read_voc(write(content))
    assert "\n" not in str(told.value) and len(str(told.value)) < 500 and "a.xml" in str(told.value)


def test_a_file_that_claims_a_gigabyte(tmp_path):
    path = tmp_path / "large.xml"
    with path.open("wb") as file:
        file.truncate(1 << 30)  # takes no room on the disk
    with pytest.raises(ImageFileError, match=f"more than {MOST_BYTES:,}"):
        read_voc(path)


def test_what_is_no_file(tmp_path):
    with pytest.raises(ImageFileError, match="No such file"):
        read_voc(tmp_path / "none.xml")
    with pytest.raises(ImageFileError, match="is no file"):
        read_voc(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "pipe.xml")
    code = "import sys; from minivis.segmentation.voc import read_voc; read_voc(sys.argv[1])"
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "pipe.xml"], capture_output=True, text=True, timeout=60, check=False
    )
    assert "is no file" in done.stderr
