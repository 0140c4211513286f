"""What the URL of a store may be, and where this machine keeps its part."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from evenly.config import load_config
from evenly.errors import ConfigError, MissingExtraError, StoreError
from evenly.mirror.address import check_url, is_url
from evenly.mirror.cache_folder import find_cache
from evenly.store import Store


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("s3://bucket/prefix/", "s3://bucket/prefix"),
        ("S3://bucket", "s3://bucket"),
        ("gs://bucket/a b", "gs://bucket/a b"),
        ("abfs://container@account.dfs.core.windows.net/x", "abfs://container@account.dfs.core.windows.net/x"),
        ("file:///shared/store", "file:///shared/store"),
        ("memory://bucket", "memory://bucket"),
    ],
)
def test_a_url_is_kept_without_a_slash_at_its_end(given, kept):
    assert is_url(given)
    assert check_url(given) == kept


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("s3://me:hush@bucket/x", "has a user or password in it"),
        ("s3://hush@bucket/x", "has a user or password in it"),
        ("abfs://container:hush@account/x", "has a user or password in it"),
        ("gs://bucket/x?token=hush", r"has a query \(\?\.\.\.\) in it"),
        ("s3://bucket/x#hush", "has a query"),
        ("https://host/x", "which cannot be written to"),
        ("zip://x::s3://bucket/hush", "a chain of URLs"),
        ("s3://", "names no place"),
    ],
)
def test_a_url_with_secrets_or_that_cannot_be_a_store_is_refused_and_not_repeated(given, said, tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text(f"source: {{files: t.csv, text: t, labels: {{columns: l}}}}\nstore: {given!r}\n")
    for refuse in (lambda: check_url(given), lambda: Store(given), lambda: load_config(config)):
        with pytest.raises(ConfigError, match=said) as caught:
            refuse()
        assert "hush" not in str(caught.value)


def test_a_windows_path_and_a_folder_are_no_urls():
    assert [is_url(name) for name in ("evenly-store", "C:/store", "/a/b", "a:b")] == [False] * 4


def test_a_config_keeps_a_url_and_anchors_the_cache(tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text(
        "source: {files: t.csv, text: t, labels: {columns: l}}\nstore: s3://bucket/x/\nstore_cache: copies\n"
    )
    found = load_config(config)
    assert (found.store, found.store_cache) == ("s3://bucket/x", str(tmp_path / "copies"))


def test_an_unknown_protocol_and_a_missing_package_are_said_in_a_sentence(tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match="fsspec knows no s4://"):
        Store("s4://bucket/x", tmp_path)
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, "s3", raising=False)
    with pytest.raises(MissingExtraError, match=r"store: s3:// needs s3fs: pip install 'evenly\[s3\]'"):
        Store("s3://bucket/x", tmp_path)
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    with pytest.raises(MissingExtraError, match="gs:// needs a package of fsspec's: Please install gcsfs"):
        Store("gs://bucket/x", tmp_path)


def test_the_cache_is_private_and_named_by_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("EVENLY_CACHE", str(tmp_path / "mine"))
    first, other = find_cache("s3://bucket/a"), find_cache("s3://bucket/b")
    assert first.parent == other.parent == tmp_path / "mine" / "stores"
    assert first != other
    assert [stat.S_IMODE(each.stat().st_mode) for each in (first, first.parent)] == [0o700, 0o700]
    assert (first / "url.txt").read_text() == "s3://bucket/a\n"

    monkeypatch.delenv("EVENLY_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert find_cache("s3://bucket/a").is_relative_to(tmp_path / "xdg" / "evenly")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    assert find_cache("s3://bucket/a").is_relative_to(tmp_path / "home" / ".cache" / "evenly")


def test_a_cache_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="Give another folder: store_cache in the config, or EVENLY_CACHE"):
        find_cache("s3://bucket/a", tmp_path / "file")
