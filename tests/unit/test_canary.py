"""The canary search itself: a search that finds nothing because it cannot would make every other test worthless."""

import base64
import gzip
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.canary import canaries_in, canaries_under, make_canary

WAYS: dict[str, Callable[[str], bytes]] = {
    "text": lambda value: value.encode(),
    "utf-16": lambda value: value.encode("utf-16"),
    "hex": lambda value: value.encode().hex().encode(),
    "json": lambda value: json.dumps({"a": value}).encode(),
    "repr": lambda value: repr({"a": value}).encode(),
    "url": lambda value: quote(value, safe="").encode(),
    "base64": lambda value: base64.b64encode(b"user:" + value.encode() + b"!"),
    "base64 of base64 alignments": lambda value: base64.urlsafe_b64encode(b"1234567" + value.encode()),
    "base64 alone": lambda value: base64.b64encode(value.encode()),
}


@pytest.mark.parametrize("awkward", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_canary_is_found_in_every_form(way: str, awkward: bool) -> None:
    canary = make_canary(awkward=awkward)
    assert canaries_in(b"before " + WAYS[way](canary) + b" after", [make_canary(), canary])
    assert not canaries_in(WAYS[way](make_canary(awkward=awkward)), [canary])


def test_files_names_links_and_archives_are_searched(tmp_path: Path) -> None:
    canary = make_canary()
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file.bin").write_bytes(b"\0" * 70_000 + canary.encode())
    (tmp_path / canary).touch()
    (tmp_path / "link").symlink_to("/nowhere/" + canary)
    (tmp_path / "log.gz").write_bytes(gzip.compress(canary.encode() * 9))
    with zipfile.ZipFile(tmp_path / "bundle.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("report.json", json.dumps([canary] * 9))
    places = " ".join(finding.where for finding in canaries_under(tmp_path, [canary]))
    for expected in ("file.bin", "the name of", "the target of", "log.gz!gzip", "bundle.zip!report.json"):
        assert expected in places


def test_a_path_can_be_left_out(tmp_path: Path) -> None:
    canary = make_canary()
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "old.json").write_text(canary)
    assert canaries_under(tmp_path, [canary])
    assert not canaries_under(tmp_path, [canary], without=[tmp_path / "source"])
