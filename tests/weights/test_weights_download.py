"""Finding files, and fetching published ones from a server on this machine."""

import hashlib
import multiprocessing
import os
import shutil
import threading
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
from hostile import MEMORY, files_in, peak

from minivis.errors import DownloadError, UnknownName, WeightFileError
from minivis.weights import PUBLISHED, cache_folder, download, fetch, find, finding, search_path, shipped_folder
from minivis.weights.download import Transfer, fetch_published
from minivis.weights.published import Published

CONTENT = bytes(range(256)) * 2000  # 512,000 bytes: more than one piece
MD5 = hashlib.md5(CONTENT).hexdigest()
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def surroundings(tmp_path, tmp_path_factory, monkeypatch):
    """An empty cache, no settings of the user's, and no proxy between the test and its server.

    Each test must leave the user's folder and the current one empty, and may cost 100 MiB.
    """
    home = tmp_path_factory.mktemp("home")
    monkeypatch.chdir(home)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("MINIVIS_CACHE", str(tmp_path / "cache"))
    for name in ("MINIVIS_WEIGHTS", "MINIVIS_OFFLINE", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    before = peak(reset=True)
    yield
    assert peak() - before < MEMORY
    assert files_in(home) == {}


# -- a server ------------------------------------------------------------------------------------------------------


def whole(handler):
    reply(handler, CONTENT)


def reply(handler, body, status=200, **headers):
    handler.send_response(status)
    for name, value in ({"Content_Length": len(body)} | headers).items():
        if value is not None:
            handler.send_header(name.replace("_", "-"), str(value))
    handler.end_headers()
    handler.wfile.write(body)


def missing(handler):
    handler.send_error(404)


def rude(handler):
    handler.send_response(418, "\x1b[31mteapot")
    handler.end_headers()


def wrong_content(handler):
    reply(handler, CONTENT[::-1])


def too_short(handler):
    reply(handler, CONTENT[:300_000])


def breaks_off(handler):
    """Says that the whole will come, and hangs up half way."""
    reply(handler, CONTENT[:300_000], Content_Length=len(CONTENT))


def ends_early(handler):
    """Never says how much will come."""
    reply(handler, CONTENT[:300_000], Content_Length=None)


def breaks_off_once(handler):
    """Breaks off, then goes on from where it was asked to."""
    asked = handler.headers["Range"]
    if asked is None:
        breaks_off(handler)
        return
    start = int(asked.removeprefix("bytes=").removesuffix("-"))
    reply(handler, CONTENT[start:], 206, Content_Range=f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")


def breaks_off_once_and_ignores_ranges(handler):
    if handler.server.requests[handler.path] == 1:
        breaks_off(handler)
    else:
        whole(handler)


def answers_another_range(handler):
    if handler.headers["Range"] is None:
        breaks_off(handler)
    else:
        reply(handler, CONTENT[10:], 206, Content_Range=f"bytes 10-{len(CONTENT) - 1}/{len(CONTENT)}")


def too_long(handler):
    reply(handler, CONTENT + b"more")


def endless(handler):
    """No length given, and more than was asked for; counts what it could send."""
    handler.send_response(200)
    handler.end_headers()
    try:
        for _ in range(1000):
            handler.wfile.write(CONTENT)
            handler.server.sent += len(CONTENT)
    except OSError:  # the other side has gone
        pass


def login_page(handler):
    reply(handler, b"<!DOCTYPE html>" + CONTENT[15:], Content_Type="text/html; charset=utf-8")


def to_file(handler):
    reply(handler, b"", 302, Location="file:///etc/hostname")


def to_plain_http(handler):
    reply(handler, b"", 302, Location="http://localhost/whole")


def to_whole(handler):
    reply(handler, b"", 302, Location="/whole")


def round_and_round(handler):
    reply(handler, b"", 302, Location="/round_and_round")


def busy_once(handler):
    if handler.server.requests[handler.path] == 1:
        handler.send_error(503)
    else:
        whole(handler)


def always_busy(handler):
    handler.send_error(500)


class Handler(BaseHTTPRequestHandler):
    """Answers /name with the function of that name."""

    def do_GET(self):
        self.server.requests[self.path] += 1
        globals()[self.path.strip("/")](self)

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def running():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def server(running):
    running.requests, running.sent = Counter(), 0
    return running


def published(server, *routes, md5=MD5, sha256=SHA256):
    urls = tuple(f"http://127.0.0.1:{server.server_port}/{route}" for route in routes)
    return Published("net.h5", urls, len(CONTENT), md5, sha256, "ours", "MIT")


def get(entry, progress=False):
    transfer = Transfer(entry.bytes, progress, pause=0, loopback=True)
    return fetch_published(entry, cache_folder(), transfer)


def names(folder):
    return sorted(path.name for path in folder.iterdir() if path.is_file()) if folder.exists() else []


@contextmanager
def refused(*messages):
    """A DownloadError that says how to do it by hand, and no file in the cache, whole or part."""
    with pytest.raises(DownloadError) as caught:
        yield
    for message in (
        *messages,
        str(cache_folder() / "net.h5"),
        f"{len(CONTENT)} bytes, sha256 {SHA256}",
        "By hand: put http",
    ):
        assert message in str(caught.value)
    assert names(cache_folder()) == []


# -- fetching ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sha256", [SHA256, None])
def test_a_file_is_fetched_verified_and_not_fetched_again(server, sha256):
    entry = published(server, "whole", sha256=sha256)
    path = get(entry)
    assert path == cache_folder() / "net.h5"
    assert path.read_bytes() == CONTENT
    assert path.stat().st_mode & 0o777 == 0o644
    assert get(entry) == path
    assert server.requests == {"/whole": 1}


def test_an_existing_file_is_hashed_once(server, monkeypatch):
    entry = published(server, "whole")
    get(entry)
    get(entry)
    monkeypatch.setattr("hashlib.md5", None)
    assert get(entry).name == "net.h5"


def test_redirects_are_followed(server):
    assert get(published(server, "to_whole")).read_bytes() == CONTENT
    assert server.requests == {"/to_whole": 1, "/whole": 1}


def test_the_second_address_is_tried(server):
    assert get(published(server, "missing", "wrong_content", "whole")).read_bytes() == CONTENT


def test_93_not_found(server):
    with refused("HTTP 404"):
        get(published(server, "missing"))
    assert server.requests == {"/missing": 1}


def test_what_a_server_says_reaches_no_terminal_as_it_is(server):
    with refused("HTTP 418 \\x1b[31mteapot"):
        get(published(server, "rude"))


def test_93_server_error_is_tried_again(server):
    assert get(published(server, "busy_once")).read_bytes() == CONTENT
    with refused("HTTP 500"):
        get(other(server, "always_busy"))
    assert server.requests["/always_busy"] == 3


def other(server, route):
    """As `published`, with the cache emptied first."""
    shutil.rmtree(cache_folder())
    return published(server, route)


@pytest.mark.parametrize("sha256", [SHA256, None])
def test_94_wrong_hash(server, sha256):
    with pytest.raises(DownloadError, match="does not match the known hash"):
        get(published(server, "wrong_content", sha256=sha256))
    assert names(cache_folder()) == []
    assert server.requests == {"/wrong_content": 1}


def test_95_a_short_body(server):
    with refused("300000"):
        get(published(server, "breaks_off"))
    assert server.requests == {"/breaks_off": 3}
    with refused("ended after 300000 of 512000 bytes"):
        get(published(server, "ends_early"))
    with refused("offers 300000 bytes; expected 512000"):
        get(published(server, "too_short"))


def test_95_a_broken_transfer_goes_on_where_it_was(server):
    assert get(published(server, "breaks_off_once")).read_bytes() == CONTENT
    assert server.requests == {"/breaks_off_once": 2}


def test_107_a_server_that_ignores_ranges(server):
    assert get(published(server, "breaks_off_once_and_ignores_ranges")).read_bytes() == CONTENT


def test_107_a_server_that_answers_another_range(server):
    with refused("HTTP 206"):
        get(published(server, "answers_another_range"))


def test_96_a_longer_body(server):
    with refused("offers 512004 bytes; expected 512000"):
        get(published(server, "too_long"))
    with refused("goes on after the expected 512000 bytes"):
        get(published(server, "endless"))
    assert server.sent < 100 * len(CONTENT)


def test_98_redirects_lead_to_https_only(server):
    with refused("the address 'file:///etc/hostname' is not https"):
        get(published(server, "to_file"))
    with refused("the address 'http://localhost/whole' is not https"):
        get(published(server, "to_plain_http"))
    with refused("more than 5 redirects"):
        get(published(server, "round_and_round"))


def test_98_plain_http_is_refused_outside_tests(server):
    entry = published(server, "whole")
    with refused("is not https"):
        fetch_published(entry, cache_folder(), Transfer(entry.bytes))
    assert server.requests == {}


def test_99_a_login_page(server):
    with refused("answered with a web page"):
        get(published(server, "login_page"))


def test_97_a_server_that_stalls(server, monkeypatch):
    """Without waiting for it: the timeout is handed to the library, and what the library then raises is understood."""
    import requests

    given = []

    def stall(self, url, **options):
        given.append(options["timeout"])
        raise requests.exceptions.ReadTimeout("read timed out")

    monkeypatch.setattr(requests.Session, "get", stall)
    with refused("read timed out"):
        get(published(server, "whole"))
    assert given == [download.TIMEOUT] * 3
    assert all(0 < seconds < 60 for seconds in download.TIMEOUT)


def test_no_server_at_all():
    gone = SimpleNamespace(server_port=1)
    with refused("refused"):
        get(published(gone, "whole"))


def test_100_interrupted_from_the_keyboard(server, monkeypatch):
    def interrupt(self, block):
        raise KeyboardInterrupt

    monkeypatch.setattr("tqdm.tqdm.update", interrupt)
    with pytest.raises(KeyboardInterrupt):
        get(published(server, "whole"))
    assert names(cache_folder()) == []
    monkeypatch.undo()


def test_100_a_part_that_a_killed_run_left_is_no_file(server):
    cache_folder().mkdir(parents=True)
    (cache_folder() / "tmpabc").write_bytes(CONTENT[:1000])
    assert get(published(server, "whole")).read_bytes() == CONTENT


def fetch_in_process(port, cache, barrier, results):
    os.environ["MINIVIS_CACHE"] = cache
    barrier.wait()
    try:
        results.put(str(get(published(SimpleNamespace(server_port=port), "whole"))))
    except BaseException as error:
        results.put(repr(error))


def test_101_two_processes_at_once(server, tmp_path):
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(2), context.Queue()
    arguments = (server.server_port, str(tmp_path / "cache"), barrier, results)
    processes = [context.Process(target=fetch_in_process, args=arguments) for _ in range(2)]
    for process in processes:
        process.start()
    assert [results.get(), results.get()] == [str(cache_folder() / "net.h5")] * 2
    for process in processes:
        process.join()
    assert (cache_folder() / "net.h5").read_bytes() == CONTENT
    assert names(cache_folder()) == ["net.h5"]


def test_102_too_little_space(server, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=len(CONTENT) - 1))
    with refused("511999 bytes are free, 512000 are needed"):
        get(published(server, "whole"))
    assert server.requests == {}


def test_102_no_space_while_writing(server, monkeypatch):
    def full(part):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(download, "settle", full)
    with refused("No space left on device"):
        get(published(server, "whole"))


def test_103_offline(server, monkeypatch):
    monkeypatch.setenv("MINIVIS_OFFLINE", "1")
    with refused("MINIVIS_OFFLINE is set and it is not there"):
        get(published(server, "whole"))
    assert server.requests == {}
    with pytest.raises(DownloadError, match=r"553467096 bytes, md5 64373286793e3c8b2b4e3219cbf3544b"):
        fetch("vgg16")
    monkeypatch.setenv("MINIVIS_OFFLINE", "0")
    path = get(published(server, "whole"))
    monkeypatch.setenv("MINIVIS_OFFLINE", "1")
    assert get(published(server, "whole")) == path


@pytest.mark.parametrize("damage", [CONTENT[:-1], b"\x01" + CONTENT[1:], b""])
def test_104_a_damaged_file_in_the_cache(server, monkeypatch, damage):
    path = get(published(server, "whole"))
    path.write_bytes(damage)
    os.utime(path, ns=(0, 1))
    monkeypatch.setenv("MINIVIS_OFFLINE", "1")
    with pytest.raises(DownloadError, match="the file there is damaged"):
        get(published(server, "whole"))
    monkeypatch.delenv("MINIVIS_OFFLINE")
    with pytest.raises(DownloadError, match="HTTP 404"):
        get(published(server, "missing"))
    assert path.read_bytes() == damage  # a failed download changes nothing
    get(published(server, "whole"))
    assert path.read_bytes() == CONTENT


def test_105_a_cache_that_cannot_be_used(server, tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("MINIVIS_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(DownloadError, match="the folder cannot be used"):
        get(published(server, "whole"))


def test_106_a_link_in_the_cache(server, tmp_path):
    (tmp_path / "elsewhere").write_bytes(CONTENT)
    cache_folder().mkdir(parents=True)
    (cache_folder() / "net.h5").symlink_to(tmp_path / "elsewhere")
    assert get(published(server, "whole")) == cache_folder() / "net.h5"
    assert server.requests == {}


def test_progress_is_shown_only_if_wanted(server, capfd):
    get(published(server, "whole"), progress=True)
    assert "512k" in capfd.readouterr().err
    get(other(server, "whole"), progress=False)
    assert "512k" not in capfd.readouterr().err


def test_fetch_knows_names(monkeypatch):
    with pytest.raises(UnknownName, match=r"named 'vgg61'; there are vgg16, .*did you mean 'vgg16'"):
        fetch("vgg61")
    asked = []
    monkeypatch.setattr(download, "fetch_published", lambda *arguments: asked.append(arguments))
    fetch("vgg16-notop", progress=False)
    ((entry, folder, transfer),) = asked
    assert (entry, folder) == (PUBLISHED["vgg16-notop"], cache_folder())
    assert transfer == Transfer(58_889_256, progress=False)
    assert not transfer.loopback


# -- finding -------------------------------------------------------------------------------------------------------


def touch(*paths):
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def test_the_order_of_the_search(tmp_path, monkeypatch):
    one, two, cache, shipped = (tmp_path / name for name in ("one", "two", "cache", "shipped"))
    monkeypatch.setenv("MINIVIS_WEIGHTS", os.pathsep.join([str(one), "", str(two)]))
    monkeypatch.setattr(finding, "shipped_folder", lambda: shipped)
    assert search_path() == (one, two, cache, shipped)
    assert find(["a.h5", "b.h5"]) is None
    for folder in (shipped, cache, two, one):
        touch(folder / "b.h5")
        assert find(["a.h5", "b.h5"]) == folder / "b.h5"
    touch(one / "a.h5")
    assert find(["a.h5", "b.h5"]) == one / "a.h5"
    assert find("b.h5") == one / "b.h5"


def test_a_folder_of_that_name_is_not_a_file(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIVIS_WEIGHTS", str(tmp_path))
    (tmp_path / "a.h5").mkdir()
    assert find(["a.h5"]) is None


def test_weights_given_by_the_user_come_first(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIVIS_WEIGHTS", str(tmp_path / "one"))
    touch(tmp_path / "one" / "a.h5", tmp_path / "mine" / "a.h5", tmp_path / "mine" / "other.h5")
    assert find(["a.h5"], weights=tmp_path / "mine" / "other.h5") == tmp_path / "mine" / "other.h5"
    assert find(["a.h5"], weights=str(tmp_path / "mine")) == tmp_path / "mine" / "a.h5"
    with pytest.raises(WeightFileError, match=r"none of 'b\.h5' is in this folder"):
        find(["b.h5"], weights=tmp_path / "mine")
    with pytest.raises(WeightFileError, match="no such file or folder"):
        find(["a.h5"], weights=tmp_path / "typo.h5")


def test_home_is_understood(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("MINIVIS_WEIGHTS", "~/nets")
    monkeypatch.setenv("MINIVIS_CACHE", "~/cache")
    touch(tmp_path / "nets" / "a.h5")
    assert find(["a.h5"]) == tmp_path / "nets" / "a.h5"
    assert find(["a.h5"], weights="~/nets/a.h5") == tmp_path / "nets" / "a.h5"
    assert cache_folder() == tmp_path / "cache"


def test_the_cache_is_the_systems_by_default(monkeypatch, tmp_path):
    monkeypatch.delenv("MINIVIS_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = cache_folder()
    assert "minivis" in str(folder)
    assert not (tmp_path / "minivis").exists()  # naming it does not make it


def test_the_shipped_files_of_a_repository_and_of_a_wheel(tmp_path, monkeypatch):
    package = tmp_path / "minivis"
    package.mkdir()
    monkeypatch.setattr(finding, "PACKAGE", package)
    (tmp_path / "weights").mkdir()
    assert shipped_folder() is None  # a folder of that name beside an installed package is somebody else's
    (tmp_path / "pyproject.toml").touch()
    assert shipped_folder() == tmp_path / "weights"
    (package / "shipped" / "weights").mkdir(parents=True)
    assert shipped_folder() == package / "shipped" / "weights"
