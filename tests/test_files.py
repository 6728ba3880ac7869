"""Files and folders are written whole or not at all."""

from pathlib import Path

import pytest

from slugline.errors import InputError
from slugline.files import write_atomically, write_files


def test_a_file_is_there_once_the_block_has_ended(tmp_path: Path) -> None:
    target = tmp_path / "new" / "labels.jsonl"
    with write_atomically(target) as draft:
        draft.write_text("whole", encoding="utf-8")
        assert not target.exists()
    assert target.read_text(encoding="utf-8") == "whole"
    assert list(target.parent.iterdir()) == [target]


def test_an_error_leaves_what_was_there_before_and_no_trace(tmp_path: Path) -> None:
    target = tmp_path / "labels.jsonl"
    target.write_text("before", encoding="utf-8")
    with pytest.raises(ZeroDivisionError), write_atomically(target) as draft:
        draft.write_text(f"half of it and {1 / 0}", encoding="utf-8")
    assert target.read_text(encoding="utf-8") == "before"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_takes_the_place_of_a_folder(tmp_path: Path) -> None:
    target = tmp_path / "entry"
    target.mkdir()
    (target / "old.npy").write_bytes(b"old")
    with write_atomically(target) as draft:
        draft.mkdir()
        (draft / "new.npy").write_bytes(b"new")
    assert [file.name for file in target.iterdir()] == ["new.npy"]


def test_a_file_does_not_take_the_place_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "articles").mkdir()
    (tmp_path / "articles" / "news.txt").write_text("news", encoding="utf-8")
    with pytest.raises(InputError, match=r"^cannot write .*articles: Is a directory$"):
        write_files({tmp_path / "articles": b"{}"})
    assert (tmp_path / "articles" / "news.txt").read_text(encoding="utf-8") == "news"


def test_of_several_files_all_are_written_or_none(tmp_path: Path) -> None:
    (tmp_path / "a file").write_bytes(b"")
    good, bad = tmp_path / "tasks.json", tmp_path / "a file" / "tasks.xml"
    with pytest.raises(InputError, match=r"cannot write .*tasks\.xml: "):
        write_files({good: b"{}", bad: b"<View/>"})
    assert not good.exists()
    write_files({good: b"{}", good.with_suffix(".xml"): b"<View/>"})
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a file", "tasks.json", "tasks.xml"]


def test_a_folder_among_several_files_is_named_and_nothing_is_changed(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "a").write_bytes(b"before")
    with pytest.raises(InputError, match=r"cannot write .*folder: Is a directory"):
        write_files({tmp_path / "folder": b"x", tmp_path / "a": b"after"})
    assert (tmp_path / "a").read_bytes() == b"before"
