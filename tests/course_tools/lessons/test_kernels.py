"""Kernels without a user: no reply is missed, no port is shared, nothing is left behind."""

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from queue import Empty

import pytest
from jupyter_client.channels import AsyncZMQSocketChannel
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from course_tools.lessons import kernels


class Unsignalled:
    """Stands in for a socket whose message has come, but whose signal was used up by a send."""

    def __init__(self, looks_needed):
        self.looks_needed = looks_needed

    async def get_msg(self, timeout=None):
        self.looks_needed -= 1
        if self.looks_needed <= 0:
            return {"msg_id": "the reply"}
        if timeout is None:
            raise AssertionError("waits for ever for a signal that does not come again")
        await asyncio.sleep(min(timeout, 0.001))
        raise Empty


@pytest.fixture
def channel(monkeypatch):
    monkeypatch.setattr(kernels, "SECONDS_BETWEEN_LOOKS", 0.001)
    socket = Unsignalled(looks_needed=3)
    monkeypatch.setattr(
        AsyncZMQSocketChannel, "get_msg", lambda _, timeout: socket.get_msg(timeout)
    )
    return kernels.PatientChannel.__new__(kernels.PatientChannel)


@pytest.mark.parametrize("timeout", [None, 60])
def test_a_reply_whose_signal_was_lost_is_found(channel, timeout):
    assert asyncio.run(channel.get_msg(timeout)) == {"msg_id": "the reply"}


def test_no_reply_in_time_is_said(channel):
    with pytest.raises(Empty):
        asyncio.run(channel.get_msg(0))


@pytest.mark.skipif(not kernels.HAS_UNIX_SOCKETS, reason="needs Unix sockets")
def test_a_kernel_talks_over_sockets_of_its_own_and_leaves_none(monkeypatch, tmp_path):
    folder = tempfile.mkdtemp(prefix="k", dir="/tmp")  # a socket's path is 107 characters at most
    monkeypatch.setattr(tempfile, "tempdir", folder)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    notebook = new_notebook(cells=[new_code_cell("get_ipython().kernel.parent.transport")])
    client = NotebookClient(notebook, **kernels.OPTIONS)
    client.execute()
    assert notebook.cells[0].outputs[0].data["text/plain"] == "'ipc'"
    assert list(Path(folder).iterdir()) == []
    Path(folder).rmdir()


@pytest.mark.parametrize("length", [20, 95, 150, 240])
def test_a_temporary_folder_of_any_length_serves(length, monkeypatch, tmp_path):
    folder = "/tmp/" + "t" * (length - 5)
    monkeypatch.setattr(tempfile, "gettempdir", lambda: folder)
    manager = kernels.UnixSocketKernelManager()
    assert manager.transport == ("ipc" if length < 80 and kernels.HAS_UNIX_SOCKETS else "tcp")
    if manager.transport == "ipc":
        assert len(f"{manager.ip}-5") < 104


@pytest.mark.parametrize(
    "content", ["{", '{"argv": ["/nowhere/python"], "display_name": "x"}', "[]"]
)
def test_a_kernel_runs_in_this_environment_whatever_jupyter_finds(content, monkeypatch, tmp_path):
    place = tmp_path / "kernels" / "python3"
    place.mkdir(parents=True)
    (place / "kernel.json").write_text(content)
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    for manager in (kernels.UnixSocketKernelManager(), kernels.SteadyKernelManager()):
        assert manager.kernel_spec.argv[0] == sys.executable


def test_a_lesson_runs_with_another_environments_kernel_on_the_path(monkeypatch, tmp_path):
    place = tmp_path / "kernels" / "python3"
    place.mkdir(parents=True)
    kernel = {"argv": ["/nowhere/python"], "display_name": "x", "language": "python"}
    (place / "kernel.json").write_text(json.dumps(kernel))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    notebook = new_notebook(cells=[new_code_cell("import sys; sys.executable")])
    NotebookClient(notebook, **kernels.OPTIONS).execute()
    assert notebook.cells[0].outputs[0].data["text/plain"] == repr(sys.executable)
