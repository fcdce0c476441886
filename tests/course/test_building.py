"""The site: formulas, docstrings, links between pages; and, under the mark `lessons`, all of it built once."""

import ast
import html.parser
import inspect
import json
import re
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import pytest
from conftest import ROOT
from test_house import PRIVATE

import minivis
from minivis.cli import main
from minivis.course import building, captions, linking, mathml, reference
from minivis.course.finding import lesson, lessons
from minivis.errors import InputError

SITE = ROOT / "docs" / "site"
METHODS = sorted(path for path in (SITE / "methods").glob("*.md") if path.stem != "index")
PAGES = sorted(SITE.rglob("*.md"))

# Packages whose functions are methods, and what of them is none: classes, readers, and parts of others.
OF_METHODS = ("attribution", "segmentation", "faithfulness", "representation", "compression", "synthesis.recipes")
NO_METHODS = {"one_hot", "bounding_box", "largest_component", "iou", "read_codes", "write_codes", "read_patches"}
NO_METHODS |= {"decompress", "importance", "trajectories"}


def prose_of(path):
    """The text of a page or lesson without its code."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        cells = re.findall(r"^# %% \[markdown\]\n((?:#.*\n?)*)", text, re.MULTILINE)
        text = "\n\n".join(re.sub(r"^# ?", "", cell, flags=re.MULTILINE) for cell in cells)
    return re.sub(r"`[^`\n]+`", "", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))


def formulas_of(path):
    """Pairs (LaTeX, whether on lines of its own)."""
    text = prose_of(path)
    displayed = re.findall(r"\$\$(.+?)\$\$", text, re.DOTALL)
    inline = re.findall(r"(?<![\\$])\$([^$]+)\$", re.sub(r"\$\$.+?\$\$", "", text, flags=re.DOTALL))
    return [(one, True) for one in displayed] + [(one, False) for one in inline]


@pytest.mark.parametrize("path", [*PAGES, *(one.path for one in lessons())], ids=lambda path: path.stem)
def test_every_formula_is_drawn(path):
    for latex, display in formulas_of(path):
        root = ET.fromstring(mathml.mathml(latex, display))
        assert root.get("display") == ("block" if display else "inline")
        assert "\\" not in "".join(root.itertext()), latex


def test_formulas_are_found():
    found = formulas_of(SITE / "methods" / "saliency.md")
    assert [display for _, display in found] == [True, False, False, False, False]
    assert found[0][0].startswith(r"M_{ij} = \max_c")
    assert len(formulas_of(lesson(10).path)) > 10


def test_an_unknown_command_is_an_error():
    for latex in (r"\nosuchthing x", r"a + \wibble{b}", r"\Big\wobble"):
        with pytest.raises(ValueError, match="cannot be drawn"):
            mathml.mathml(latex, True)


def test_what_the_converter_gets_wrong_is_spelled_otherwise():
    assert "<munder><mo>max</mo><mi>c</mi></munder>" in mathml.mathml(r"\max_c x", True)
    assert "<msub><mo>max</mo><mi>c</mi></msub>" in mathml.mathml(r"\max_c x", False)
    assert "<munder><mo>argmax</mo>" in mathml.mathml(r"\operatorname{argmax}_x f", True)
    assert "<mo>relu</mo>" in mathml.mathml(r"\mathrm{relu}(x)", False)
    assert "\\" not in mathml.mathml(r"\Big\lceil \frac{a}{b} \bigr\rfloor", True)
    assert 'stretchy="false">&#x02016;</mo>' in mathml.mathml(r"\lVert x \rVert_2", True)


def test_a_line_of_a_docstring_is_made_harmless():
    assert reference.plain("the largest |x| of i*s") == r"the largest \|x\| of i\*s"
    assert reference.plain("fc_ and conv1_1, relu_3") == r"fc\_ and conv1_1, relu_3"
    assert reference.plain("as ``|x| * y_`` says, and `a_`, *b*") == r"as ``|x| * y_`` says, and `a_`, \*b\*"


def test_attributes_that_share_a_line_stand_apart():
    lines = ["A thing.", "", "a, b : str", "", "Attributes", "----------", "net, path : str", "    Whose it is."]
    reference.process_docstring(None, "class", "x", None, None, lines)
    assert lines[2] == "a, b : str"
    assert lines[6:] == ["net : str", "", "path : str", "    Whose it is."]


def test_the_reference_has_every_public_name_once(tmp_path):
    reference.write(tmp_path)
    directives = re.compile(r"^\.\. auto\w+:: (\S+)$", re.MULTILINE)
    listed = Counter(name for path in tmp_path.glob("*.md") for name in directives.findall(path.read_text("utf-8")))
    public = {f"minivis.{name}" for name in minivis.__all__ if not inspect.ismodule(getattr(minivis, name))}
    public |= {f"minivis.objectives.{name}" for name in minivis.objectives.__all__}
    assert set(listed) == public
    assert set(listed.values()) == {1}
    index = (tmp_path / "index.md").read_text("utf-8")
    assert {path.stem for path in tmp_path.glob("*.md")} - {"index"} == set(re.findall(r"\]\(([\w-]+)\.md\)", index))
    engine = {"minivis." + name for name in directives_of(tmp_path / "the-engine.md")}
    assert engine <= {f"minivis.{name}" for name in ENGINE}, "a name without a subject: add its package to SUBJECTS"


ENGINE = {"DECONVNET", "DECONVNET_ZF", "GUIDED", "POSITIVE_PATHS", "VANILLA", "Primitive", "Tensor"}
ENGINE |= {"array_module", "backward", "check_backward", "to_device", "to_host"}


def directives_of(path):
    return re.findall(r"^\.\. auto\w+:: minivis\.(\S+)$", path.read_text("utf-8"), re.MULTILINE)


def test_every_page_of_a_method_is_in_the_index_and_has_its_parts():
    index = (SITE / "methods" / "index.md").read_text(encoding="utf-8")
    tree = re.search(r"```\{toctree\}\n:hidden:\n\n(.+?)\n```", index, re.DOTALL)[1].splitlines()
    names = [path.stem for path in METHODS]
    assert sorted(tree) == names
    assert sorted(re.findall(r"^\| \[[^]]+\]\(([\w-]+)\.md\)", index, re.MULTILINE)) == names
    for path in METHODS:
        text = path.read_text(encoding="utf-8")
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["In code", "Variants", "Traps"], path.stem
        assert "$$" in text, path.stem
        assert re.search(r"^```\{code-cell\} python\n.*?mv\.(show|plot)\(.*?caption", text, re.M | re.S), path.stem
        assert "{literalinclude} ../code/minivis/" in text, path.stem
        assert re.search(r"\((19|20)\d\d\b|(19|20)\d\d\)|\{[lL]esson\}", text), f"{path.stem}: no source"


def test_every_method_has_a_page():
    text = "\n".join(path.read_text(encoding="utf-8") for path in METHODS)
    for name in sorted(set(minivis.__all__) - NO_METHODS):
        value = getattr(minivis, name)
        home = getattr(value, "__module__", "")
        if inspect.isfunction(value) and home.startswith(tuple(f"minivis.{unit}" for unit in OF_METHODS)):
            assert re.search(rf"\b{name}\b", text), f"no page of a method speaks of mv.{name}"


@pytest.mark.parametrize("path", METHODS, ids=lambda path: path.stem)
def test_a_page_includes_code_that_is_there(path):
    text = path.read_text(encoding="utf-8")
    included = re.findall(r"```\{literalinclude\} \.\./code/minivis/(\S+)\n:(\S+): (\S+)", text)
    assert len(included) == text.count("{literalinclude}")
    for file, how, what in included:
        code = (ROOT / "minivis" / file).read_text(encoding="utf-8")
        if how == "pyobject":
            outer, _, inner = what.partition(".")
            found = [node for node in ast.walk(ast.parse(code)) if getattr(node, "name", None) == (inner or outer)]
            assert found, f"{file} has no {what}"
        else:
            assert what.strip('"').split()[0] in code
    for cell in re.findall(r"^```\{code-cell\} python\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for node in ast.walk(ast.parse(cell)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "mv":
                assert node.attr in minivis.__all__, f"mv.{node.attr} is no public name"


def test_pages_are_the_lessons_in_order_and_then_the_methods():
    names = [page.name for page in building.pages()]
    assert names[: len(lessons())] == [f"lessons/{one.name}" for one in lessons()]
    assert names[len(lessons()) :] == [f"methods/{path.stem}" for path in METHODS]
    assert [page.name for page in building.pages([lesson(1)])] == ["lessons/01_a_tape"]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(SITE).as_posix())
def test_a_page_links_to_lessons_and_pages_that_exist(path):
    text = path.read_text(encoding="utf-8")
    for number in re.findall(r"\{[lL]esson\}`([^`]*)`", text):
        assert 1 <= int(number) <= 30
    for target in re.findall(r"\]\(([^)#\s]+\.md)\)", text):
        made = target in ("lessons/index.md", "gallery/index.md", "reference/index.md")
        assert made or (path.parent / target).is_file(), target


def test_links_to_methods_are_turned_over():
    text = "[a](grad-cam.md) [b](index.md) [c](../methods/pca.md#traps) [d](lessons/index.md) `x.md`"
    expected = "[a](grad-cam.ipynb) [b](index.md) [c](../methods/pca.ipynb#traps) [d](lessons/index.md) `x.md`"
    assert linking.relinked(text) == expected


def test_alternative_texts_belong_to_their_pictures(tmp_path):
    import base64

    def picture(width, **metadata):
        png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + width.to_bytes(4, "big") + bytes(40)
        return {"data": {"image/png": base64.b64encode(png).decode()}, "metadata": metadata}

    first = {"outputs": [picture(300, alt="one"), {"text": "printed"}, picture(900, **{"image/png": {"alt": "two"}})]}
    notebook = tmp_path / "x.ipynb"
    notebook.write_text(json.dumps({"cells": [first, {"source": ""}, {"outputs": [picture(70000)]}]}))
    assert captions.pictures_of(notebook) == [("one", 300), ("two", 900), ("", 70000)]


def test_building_says_what_is_missing(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(building, "NEEDED", ("json", "nosuchlibrary", "neither_this"))
    with pytest.raises(InputError, match=r'nosuchlibrary, neither_this not installed: pip install "minivis\[site\]"'):
        next(building.build(tmp_path / "out"))
    assert not (tmp_path / "out").exists()
    assert main(["lessons", "build", "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_building_leaves_a_folder_of_others_alone(monkeypatch, tmp_path):
    monkeypatch.setattr(building, "NEEDED", ())
    monkeypatch.setattr(building, "pages", lambda chosen: [])
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="holds other files: give a new folder"):
        next(building.build(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    assert list(building.build(tmp_path / "new", [])) == []
    (tmp_path / "new" / "site").mkdir()
    assert list(building.build(tmp_path / "new", [])) == [], "its own folder is built again"


def test_the_pages_are_found_in_a_wheel_and_missed_without(tmp_path, monkeypatch):
    assert building.site_folder() == ROOT / "docs"
    monkeypatch.setattr(building, "PACKAGE", tmp_path / "lib" / "minivis")
    with pytest.raises(InputError, match="did not come with this installation"):
        building.site_folder()
    inside = tmp_path / "lib" / "minivis" / "shipped" / "docs"
    (inside / "site").mkdir(parents=True)
    assert building.site_folder() == inside


class Elements(html.parser.HTMLParser):
    """What a page loads, shows and links to, and where it can be linked to."""

    def __init__(self, text):
        super().__init__()
        self.loads, self.pictures, self.links, self.places = [], [], [], {"", "top"}
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.places |= {found[key] for key in ("id", "name") if found.get(key)}
        self.loads += [found[key] for key in ("src", "srcset", "data", "poster") if found.get(key)]
        if tag == "link":
            self.loads.append(found.get("href") or "")
        if tag == "a" and found.get("href"):
            self.links.append(found["href"])
        if tag == "img":
            self.pictures.append((found.get("src"), found.get("alt") or ""))


def problems_of(site: Path) -> list[str]:
    """What is wrong with a built site."""
    pages = {path: Elements(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    found = []
    for path, page in pages.items():
        text, name = path.read_text(encoding="utf-8"), path.relative_to(site)
        found += [f"{name} loads {url}" for url in page.loads if re.match(r"(\w+:)?//", url)]
        found += [f"{name}: no alternative text for {url}" for url, alt in page.pictures if not alt.strip()]
        found += [f"{name} has {match[0]}" for match in PRIVATE.finditer(text)]
        found += [f"{name} has {bad}" for bad in ("[picture: ", "\x1b[", "Traceback", "$$") if bad in text]
        for url in [*page.links, *page.loads]:
            target, _, place = url.partition("#")
            target = target.partition("?")[0]
            if re.match(r"[a-z]+:|//", url):
                continue
            file = (path.parent / target).resolve() if target else path.resolve()
            file = file / "index.html" if file.is_dir() else file
            if not file.is_file():
                found.append(f"{name} links to {url}, which is not there")
            elif file in pages and place not in pages[file].places:
                found.append(f"{name} links to {url}, a place which is not there")
    for path in sorted(site.rglob("*.css")):
        for url in re.findall(r"url\(\s*['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)", path.read_text(encoding="utf-8")):
            if re.match(r"(https?:)?//", "".join(url)):
                found.append(f"{path.relative_to(site)} loads {''.join(url)}")
    return found


def test_the_search_for_problems_finds_each_kind(tmp_path):
    (tmp_path / "good.html").write_text('<p id="here"><a href="https://paper.org">a paper</a><a href="#here">h</a>')
    assert problems_of(tmp_path) == []
    (tmp_path / "bad.html").write_text(
        '<script src="https://cdn.net/x.js"></script><link href="//fonts.net/f"><img src="a.png" alt=" ">'
        '<a href="good.html#there">x</a><a href="gone.html">y</a>[picture: x] ' + "/ho" + "me/someone"
    )
    (tmp_path / "a.png").write_text("")
    (tmp_path / "s.css").write_text("@import 'https://x.net/y.css'; a { background: url(//b.net/c.png) }")
    assert len(problems_of(tmp_path)) == 9, problems_of(tmp_path)


@pytest.mark.lessons
def test_the_whole_site_is_built_and_whole(tmp_path, monkeypatch, capsys):
    """Every lesson and page runs, Sphinx warns of nothing, and what comes out can be read without a network."""
    monkeypatch.setenv("MINIVIS_WEIGHTS", "")
    monkeypatch.setenv("MINIVIS_CACHE", str(tmp_path / "cache"))
    assert main(["lessons", "build", "--out", str(tmp_path / "out")]) == 0, capsys.readouterr().err
    site, notebooks = tmp_path / "out" / "site", tmp_path / "out" / "notebooks"
    assert problems_of(site) == []
    assert sorted(path.stem for path in notebooks.iterdir()) == [one.name for one in lessons()]
    index = (site / "lessons" / "index.html").read_text(encoding="utf-8")
    article = index[index.index("<article") : index.index("</article")]
    assert re.findall(r'href="(\d\d_\w+)\.html"', article) == [one.name for one in lessons()]
    for page in building.pages():
        text = (site / f"{page.name}.html").read_text(encoding="utf-8")
        assert "<math" in text, page.name
        assert Elements(text).pictures, page.name
    for one in lessons():
        title = re.split("[,'\"]", one.title)[0]  # quotes and apostrophes are set in other characters
        assert title in (site / "lessons" / f"{one.name}.html").read_text("utf-8")
    for name in ("looking", "making", "the-engine", "objectives"):
        text = (site / "reference" / f"{name}.html").read_text(encoding="utf-8")
        assert "Alias for field" not in text and "system-message" not in text
