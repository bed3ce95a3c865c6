"""A download that resumes, shows progress and leaves no partial file under a final name.

pooch restarts an interrupted download from its first byte. CIFAR-10 is 170 MB and one of its hosts
sends 50 kB/s, so the loop here is our own: requests does the protocol, and a `.part` file with
the server's validator beside it is what a later try continues.
"""

import json
import os
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import requests
from tqdm import tqdm
from urllib3.exceptions import HTTPError, ReadTimeoutError

from course_lib import files
from course_lib.files import CourseError, write_json

MAX_FILE_BYTES = 400_000_000  # no form of CIFAR-10 has more
NUM_TRIES = 5  # a connection may break this often before the source counts as failed


@dataclass(frozen=True)
class DownloadLimits:
    """When a source is abandoned: seconds to connect, seconds without a byte, bytes per second.

    `size` is the most bytes that a file may have. The rate is the mean since the download began,
    checked once `patience` seconds have passed.
    """

    connect: float = 5.0
    silence: float = 20.0
    rate: float = 1e3
    patience: float = 30.0
    size: float = MAX_FILE_BYTES


class SourceError(CourseError):
    """One source cannot provide the data; another one may."""


class _Interrupted(Exception):
    """The body ended early. What arrived is kept."""


def network_allowed() -> bool:
    """False when COURSE_OFFLINE is set to anything but 0."""
    return os.environ.get("COURSE_OFFLINE", "0") in ("", "0")


def host_of(url: str) -> str:
    """The host in the address of a file. Raises SourceError: it is not such an address."""
    try:
        host = urlsplit(url).hostname
    except ValueError:
        host = None
    if not host:
        raise SourceError(f"{url} is not the address of a file; write it as https://HOST/FILE.")
    return host


def download(url: str, path: Path, limits: DownloadLimits = DownloadLimits()) -> None:
    """Download `url` to `path`, continuing what an earlier call left in `path` + ".part".

    A part is continued only if its validator (ETag, else Last-Modified) is still the server's.

    Raises:
        SourceError: the server cannot be reached, refuses, is too slow, sends a web page or more
            than CIFAR-10 has; or COURSE_OFFLINE forbids the network.
        CourseError: the file cannot be written, as on a full disk. What arrived is kept.
    """
    host = host_of(url)
    part = path.with_name(path.name + ".part")
    if not network_allowed():
        raise SourceError("COURSE_OFFLINE forbids the network.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for attempt in range(NUM_TRIES):
            before = _size(part)
            try:
                _receive(url, part, limits)
                break
            except _Interrupted as interruption:
                if _size(part) <= before or attempt == NUM_TRIES - 1:
                    raise SourceError(
                        f"{host} {interruption}; what arrived is kept for the next try."
                    ) from interruption
        os.replace(part, path)
        _validator_file(part).unlink(missing_ok=True)
    except OSError as error:  # of the file: those of the connection were caught by _request
        raise CourseError(
            f"{path} could not be written ({files.reason(error)}); what arrived is kept: "
            f"{files.advice(error)} (COURSE_CACHE names it), then run it again."
        ) from error


def _receive(url: str, part: Path, limits: DownloadLimits) -> None:
    """One request: continue `part` where the server supports it, else start it again."""
    host = host_of(url)
    start, validator = _size(part), _read_validator(part)
    # identity: in a compressed transfer byte positions mean nothing
    headers = {"Accept-Encoding": "identity", "User-Agent": "gray-to-color course"}
    if start and validator:
        headers |= {"Range": f"bytes={start}-", "If-Range": validator}
    with _request(url, headers, limits) as response:
        resumes = _continues(response, start, validator)
        if response.status_code in (206, 416) and start and not resumes:
            part.unlink()  # the file has changed on the server: again, from the beginning
            _receive(url, part, limits)
            return
        if response.status_code != 200 and not resumes:
            raise SourceError(f"{host} answered {response.status_code} {response.reason}.")
        if response.headers.get("Content-Type", "").startswith("text/html"):
            raise SourceError(f"{host} answered with a web page instead of the file.")
        if not resumes:
            part.unlink(missing_ok=True)
            write_json(_validator_file(part), _validator(response))
        _append(response, part, limits)


def _request(url: str, headers: dict[str, str], limits: DownloadLimits) -> requests.Response:
    """The response, its body not yet read. Raises SourceError: there is none."""
    host, timeout = host_of(url), (limits.connect, limits.silence)
    try:
        return requests.get(url, headers=headers, timeout=timeout, stream=True)
    except requests.Timeout as error:
        raise SourceError(f"{host} did not answer within {limits.silence:g} s.") from error
    except (OSError, HTTPError, ValueError) as error:  # requests lets some of urllib3's through
        raise SourceError(f"{host} cannot be reached ({_reason(error)}).") from error


def _append(response: requests.Response, part: Path, limits: DownloadLimits) -> None:
    """Append the body to `part`, with a progress bar. Raises _Interrupted if it ends early."""
    host, start = host_of(response.url), _size(part)
    length = _length(response)
    total = None if length is None else start + length
    _refuse_more_than(limits.size, total or start, part, host)
    began = time.monotonic()
    bar = tqdm(desc=host, total=total, initial=start, unit="B", unit_scale=True, mininterval=1)
    try:
        with open(part, "ab") as file, bar:
            # read1 gives what has arrived: iter_content would wait for, and lose, a full chunk
            for chunk in iter(partial(response.raw.read1, 1 << 16), b""):
                file.write(chunk)
                bar.update(len(chunk))
                _refuse_more_than(limits.size, bar.n, part, host)
                seconds = time.monotonic() - began
                if seconds > limits.patience and bar.n - start < limits.rate * seconds:
                    raise SourceError(
                        f"{host} sends fewer than {limits.rate:.0f} bytes a second "
                        "and was abandoned."
                    )
    except ReadTimeoutError as error:
        raise _Interrupted(f"sent nothing for {limits.silence:g} s") from error
    except HTTPError as error:
        raise _Interrupted("keeps closing the connection") from error
    if total is not None and _size(part) != total:
        raise _Interrupted("keeps closing the connection")


def _length(response: requests.Response) -> int | None:
    """The length of the body that the server announces; None if it announces no number."""
    announced = response.headers.get("Content-Length", "")
    return int(announced) if announced.isdecimal() and len(announced) < 20 else None


def _refuse_more_than(limit: float, size: int, part: Path, host: str) -> None:
    """Raise SourceError if a file is too long to be CIFAR-10; nothing of it is kept."""
    if size > limit:
        part.unlink(missing_ok=True)
        _validator_file(part).unlink(missing_ok=True)
        raise SourceError(f"{host} sends more than {limit / 1e6:.0f} MB: it is not CIFAR-10.")


def _continues(response: requests.Response, start: int, validator: str | None) -> bool:
    """Whether the body is the rest of the same file, from byte `start`."""
    content_range = response.headers.get("Content-Range", "")
    return (
        response.status_code == 206
        and content_range.startswith(f"bytes {start}-")
        and _validator(response) == validator
    )


def _validator(response: requests.Response) -> str | None:
    """What distinguishes two versions of a file; a weak ETag does not (RFC 9110, 8.8.1)."""
    etag = response.headers.get("ETag", "")
    return etag if etag.startswith('"') else response.headers.get("Last-Modified")


def _validator_file(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _read_validator(part: Path) -> str | None:
    try:
        validator = json.loads(_validator_file(part).read_text())
    except (OSError, ValueError, RecursionError):
        return None
    return validator if isinstance(validator, str) else None


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


CERTIFICATE = (
    "its certificate is not trusted here; if your network has a proxy with a certificate of its "
    "own, set {variable} to the file of that certificate"
)


def _reason(error: Exception) -> str:
    text = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return CERTIFICATE.format(variable="REQUESTS_CA_BUNDLE")
    if isinstance(error, requests.exceptions.SSLError):
        return "the encrypted connection failed; is https_proxy the right proxy?"
    if "CA certificate bundle" in text:
        return "REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names a file that is not there"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy refused; are https_proxy and http_proxy right?"
    if "resolve" in text or "getaddrinfo" in text:
        return "its name is not known here; is there a network?"
    return "the connection was refused" if "refused" in text else type(error).__name__
