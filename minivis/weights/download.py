"""Fetching a published weight file: asked for, over https, bounded, verified before it is visible.

pooch keeps the cache folder, the temporary file and the hash; the transfer is ours, since pooch's own follows any
redirect, knows no size and starts again from the first byte.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from ..atomic import settle
from ..errors import DownloadError, UnknownName, WeightFileError
from .container import printable
from .finding import cache_folder
from .hashing import digests_of
from .published import PUBLISHED, Published

TIMEOUT = (10, 30)  # seconds to connect, and between two pieces; ours
REDIRECTS = 5  # ours
BLOCK = 1 << 18


class Interrupted(DownloadError):
    """A transfer that may well succeed if it is tried again."""


@dataclass(frozen=True)
class Transfer:
    """One file from one address, for pooch's `downloader=`.

    A transfer that breaks off goes on from where it was, where the server can. `loopback` allows plain http to
    127.0.0.1, for tests.
    """

    bytes: int
    progress: bool = False
    tries: int = 3
    pause: float = 1.0  # seconds before the second try, doubled before each further one
    loopback: bool = False

    def __call__(self, url: str, output_file: str, pooch: Any) -> None:
        """Write what `url` gives into `output_file`: exactly `bytes` bytes, or a `DownloadError`."""
        part = Path(output_file)
        for attempt in range(self.tries):
            try:
                self._stream(url, part)
                break
            except Interrupted:
                if attempt == self.tries - 1:
                    raise
                time.sleep(self.pause * 2**attempt)
        settle(part)

    def _stream(self, url: str, part: Path) -> None:
        import requests
        import urllib3

        done = part.stat().st_size
        try:
            with requests.Session() as session, self._get(session, url, done) as response:
                self._receive(response, part, done)
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError) as error:
            raise Interrupted(f"{url}: {error}") from error

    def _get(self, session: Any, url: str, done: int) -> Any:
        """Follow redirects by hand, since each address has to be https."""
        headers = {"Accept-Encoding": "identity"}
        if done:
            headers["Range"] = f"bytes={done}-"
        for _ in range(REDIRECTS + 1):
            self._check_address(url)
            response = session.get(url, headers=headers, stream=True, allow_redirects=False, timeout=TIMEOUT)
            if not response.is_redirect:
                return response
            response.close()
            url = urljoin(url, response.headers["Location"])
        raise DownloadError(f"more than {REDIRECTS} redirects, the last to {url}")

    def _check_address(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme == "https" or (self.loopback and parts.scheme == "http" and parts.hostname == "127.0.0.1"):
            return
        raise DownloadError(f"the address {url!r} is not https")

    def _receive(self, response: Any, part: Path, done: int) -> None:
        from tqdm import tqdm

        if response.status_code >= 500 or response.status_code == 429:
            raise Interrupted(f"{response.url}: HTTP {response.status_code} {response.reason}")
        resumed = response.status_code == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {done}-")
        if response.status_code != 200 and not resumed:
            raise DownloadError(f"{response.url}: HTTP {response.status_code} {response.reason}")
        if response.headers.get("Content-Type", "").startswith("text/html"):
            raise DownloadError(f"{response.url} answered with a web page: a login or error page?")
        if not resumed:
            done = 0
        length = response.headers.get("Content-Length", "")
        if length.isdecimal() and done + int(length) != self.bytes:
            raise DownloadError(f"{response.url} offers {done + int(length)} bytes; expected {self.bytes}")
        bar = tqdm(total=self.bytes, initial=done, unit="B", unit_scale=True, disable=not self.progress)
        with bar, part.open("ab" if resumed else "wb") as file:
            for block in response.raw.stream(BLOCK, decode_content=False):
                done += len(block)
                if done > self.bytes:
                    raise DownloadError(f"{response.url} goes on after the expected {self.bytes} bytes")
                file.write(block)
                bar.update(len(block))
        if done < self.bytes:
            raise Interrupted(f"{response.url} ended after {done} of {self.bytes} bytes")


def fetch(name: str, *, progress: bool = True) -> Path:
    """Path of a published weight file in the cache folder, downloaded if it is not there yet.

    Nothing else in minivis downloads anything. `MINIVIS_CACHE` names the folder; with `MINIVIS_OFFLINE=1` a file that
    is not there is an error which says where to put it.

    Parameters
    ----------
    name : str
        A key of `PUBLISHED`, such as "vgg16" (553 MB) or "vgg16-notop" (59 MB).
    progress : bool
        Show a bar on stderr.

    Raises
    ------
    UnknownName
        No such file is known.
    DownloadError
        It could not be had, with the reason and how to do it by hand. A file that was there stays as it was.
    """
    if name not in PUBLISHED:
        near = get_close_matches(name, PUBLISHED, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise UnknownName(f"no published weights named {name!r}; there are {', '.join(PUBLISHED)}{hint}")
    published = PUBLISHED[name]
    return fetch_published(published, cache_folder(), Transfer(published.bytes, progress))


def fetch_published(published: Published, folder: Path, transfer: Callable[[str, str, Any], None]) -> Path:
    """`fetch`, for any published file, folder and transfer."""
    path = folder / published.file
    damaged = path.is_file() and not is_published(path, published)
    if path.is_file() and not damaged:
        return path
    if os.environ.get("MINIVIS_OFFLINE", "") not in ("", "0"):
        there = "the file there is damaged" if damaged else "it is not there"
        raise _failure(published, path, f"MINIVIS_OFFLINE is set and {there}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise _failure(published, path, f"the folder cannot be used: {error}") from error
    if free < published.bytes:
        raise _failure(published, path, f"{free} bytes are free, {published.bytes} are needed")
    problems = []
    for url in published.urls:
        try:
            _fetch_from(url, published, folder, transfer)
            break
        except (OSError, ValueError) as error:  # ValueError: pooch, for another hash
            problems.append(str(error))
    else:
        raise _failure(published, path, "; ".join(problems))
    return path


def _fetch_from(url: str, published: Published, folder: Path, transfer: Callable[[str, str, Any], None]) -> None:
    """Let pooch verify the hash, then move the file into place; `transfer` has checked the size."""
    import pooch

    known = f"sha256:{published.sha256}" if published.sha256 else f"md5:{published.md5}"
    keeper = pooch.Pooch(folder, base_url="", registry={published.file: known}, urls={published.file: url})
    keeper.fetch(published.file, downloader=transfer)


def is_published(path: Path, published: Published) -> bool:
    """Whether the file at `path` is the published one; hashes are remembered."""
    try:
        size = path.stat().st_size
        return size == published.bytes and published.equals(digests_of(path), size)
    except (OSError, WeightFileError):
        return False


def _failure(published: Published, path: Path, why: str) -> DownloadError:
    digest = f"sha256 {published.sha256}" if published.sha256 else f"md5 {published.md5}"
    return DownloadError(
        printable(
            f"{published.file} was not downloaded: {why}. By hand: put {published.urls[0]} at {path} "
            f"({published.bytes} bytes, {digest})"
        )
    )
