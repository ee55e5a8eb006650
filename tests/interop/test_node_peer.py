"""What a machine without node is told."""

import shutil
from pathlib import Path

import pytest

from tests.interop import node_peer


def test_a_machine_without_node_is_told_what_to_run(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(FileNotFoundError, match=r"node is not installed: run `tools/setup test`"):
        node_peer.NodeProcess()


def test_a_checkout_without_the_package_is_told_what_to_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/node")
    monkeypatch.setattr(node_peer, "FOLDER", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"ws is not installed .*: run `tools/setup test`"):
        node_peer.NodeProcess()
