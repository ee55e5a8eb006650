"""What a machine without node is told."""

import shutil
from pathlib import Path

import pytest

from tests.interop import node_peer


def test_with_node_and_the_package_nothing_is_missing(node: node_peer.NodeProcess):
    assert node.is_alive and node_peer.what_is_missing() is None


def test_a_machine_without_node_is_told_what_to_run(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert node_peer.what_is_missing() == "node is not installed: run `tools/setup test`"


def test_a_checkout_without_the_package_is_told_what_to_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr(node_peer, "FOLDER", tmp_path)
    missing = node_peer.what_is_missing()
    assert missing == f"the npm package ws is not installed in {tmp_path}: run `tools/setup test`"
