"""Of a folder, a glob and an archive all is read or counted: links, loops, pipes, members, and files of other kinds."""

import os
import stat
import struct
import zipfile
from pathlib import Path

import pytest
from written_articles import ARTICLES, FORMATS, as_zip, place, write_format

from slugline.data.articles import read_articles
from slugline.data.input_files import describe_left_out, find_files
from slugline.data.opening import ReadOptions
from slugline.data.readers import read_rows
from slugline.data.schema import Article
from slugline.errors import InputError


def names(path, **options):
    """Return the names of the files found, and what was left out."""
    found = find_files(path, ReadOptions(**options))
    return [name for _, name in found], dict(found.left_out)


def rows(path, **options):
    """Return the texts of rows by their place, or why there is none, and what was told of files."""
    opened = []
    read = {
        where: row if isinstance(row, str) else row["text"]
        for where, row in read_rows(path, ReadOptions(**options), opened=opened)
    }
    return read, {file.name: file.notes for file in opened if file.notes}


# ---- folders and globs


def test_a_folder_of_all_formats_is_read_and_what_is_of_no_known_ending_is_counted(tmp_path):
    for name in FORMATS:
        place(tmp_path / "in" / name, write_format(name))
    place(tmp_path / "in", {"a.pdf": b"%PDF", "b.PDF": b"%PDF", "c.docx": b"PK", "LICENSE": b"x", "d.tar.gz": b""})
    place(tmp_path / "in", {".gitkeep": b"", ".DS_Store": b"x", ".git/config": b"x"})  # nobody's articles
    opened = []
    found = [item for _, item in read_articles(tmp_path / "in", ReadOptions())]
    texts = [item.text for item in found if isinstance(item, Article)]
    repeated = [item.reason for item in found if not isinstance(item, Article)]
    assert len(repeated) == len(ARTICLES)  # those of the one feed have the ids of the other, their addresses
    assert all(reason.startswith("repeats the article_id 'https://") for reason in repeated)
    assert {text: texts.count(text) for text in texts} == {article["text"]: len(FORMATS) - 1 for article in ARTICLES}
    list(read_rows(tmp_path / "in", opened=opened))
    assert opened[0].notes == ["left out: 2 .pdf, 1 .docx, 1 .tar, 1 without ending"]


@pytest.fixture
def linked(tmp_path):
    """Return a folder with links inside and out of it, to nothing, and in circles."""
    place(tmp_path, {"in/a.txt": b"A.", "in/sub/b.txt": b"B.", "out/c.txt": b"C.", "out/deep/d.txt": b"D."})
    folder = tmp_path / "in"
    (folder / "same.txt").symlink_to(folder / "a.txt")
    (folder / "sub" / "up").symlink_to(folder)
    (folder / "self").symlink_to(folder / "self")
    (folder / "gone.txt").symlink_to(tmp_path / "gone.txt")
    (folder / "c.txt").symlink_to(tmp_path / "out" / "c.txt")
    (folder / "out").symlink_to(tmp_path / "out")
    (tmp_path / "out" / "back").symlink_to(tmp_path)
    return folder


INSIDE = ["a.txt", "same.txt", "sub/b.txt"]
LEFT = {"links out of the folder (follow_links=true reads them)": 2, "broken links": 2}


@pytest.mark.parametrize("pattern", ["", "**/*.txt", "**"])
def test_links_that_leave_a_folder_are_counted_and_loops_end(linked, pattern):
    assert names(str(linked / pattern)) == (INSIDE, LEFT)


@pytest.mark.parametrize("pattern", ["", "**/*.txt", "**"])
def test_links_that_leave_a_folder_are_followed_when_asked_and_loops_end(linked, pattern):
    found, left = names(str(linked / pattern), follow_links=True)
    assert [name for name in found if not name.startswith("out/back")] == sorted(
        [*INSIDE, "c.txt", "out/c.txt", "out/deep/d.txt"]
    )
    assert left == {"broken links": 2}


def test_globs_without_folders_of_any_depth_count_links_too(linked):
    assert names(str(linked / "*.txt")) == (
        ["a.txt", "same.txt"],
        {"links out of the folder (follow_links=true reads them)": 1, "broken links": 1},
    )
    assert names(str(linked / "*" / "*.txt")) == (
        ["sub/b.txt"],
        {"links out of the folder (follow_links=true reads them)": 1},
    )
    assert names(str(linked / "*" / "*.txt"), follow_links=True) == (["out/c.txt", "sub/b.txt"], {})


def test_a_link_that_is_named_itself_is_read(linked):
    assert names(str(linked / "c.txt")) == (["c.txt"], {})
    assert names(str(linked / "out"))[0] == ["c.txt", "deep/d.txt"]


def test_many_links_to_where_they_lie_take_no_time(tmp_path):
    place(tmp_path, {"in/a.txt": b"A."})
    for number in range(30):
        (tmp_path / "in" / f"loop{number}").symlink_to(tmp_path / "in")
    for path in (tmp_path / "in", tmp_path / "in" / "**" / "*.txt"):
        assert names(str(path)) == (["a.txt"], {})
        assert names(str(path), follow_links=True) == (["a.txt"], {})


def test_pipes_and_folders_that_are_called_as_files_do_not_hang(tmp_path):
    place(tmp_path, {"in/a.txt": b"A.", "in/b.txt/c.txt": b"C."})
    os.mkfifo(tmp_path / "in" / "pipe.txt")
    assert names(str(tmp_path / "in")) == (["a.txt", "b.txt/c.txt"], {"special files": 1})
    assert names(str(tmp_path / "in" / "*.txt")) == (["a.txt"], {"special files": 1})


@pytest.mark.parametrize("pattern", ["*.txt", "**/*.txt", "*", "**/[ab].txt", ".*/*.txt", "**/.h/*.txt", "sub/**"])
def test_a_glob_finds_what_pythons_finds(tmp_path, monkeypatch, pattern):
    from glob import glob

    files = ["a.txt", "b.txt", ".c.txt", "sub/a.txt", "sub/deep/b.txt", ".h/a.txt", "sub/.h/b.txt", "sub/x.csv"]
    place(tmp_path, dict.fromkeys(files, b"X."))
    monkeypatch.chdir(tmp_path)
    expected = sorted(str(Path(file).absolute()) for file in glob(pattern, recursive=True) if Path(file).is_file())
    assert [str(file.absolute()) for file, _ in find_files(pattern)] == expected


def test_what_is_left_out_is_told_when_nothing_can_be_read(tmp_path):
    place(tmp_path, {"in/a.pdf": b"", "in/b.pdf": b"", "in/c.docx": b""})
    for path in (tmp_path / "in", tmp_path / "in" / "*"):
        with pytest.raises(InputError, match=r"no readable file at .*; left out: 2 \.pdf, 1 \.docx$"):
            find_files(str(path))


# ---- archives


def test_members_are_files_and_those_of_other_kinds_are_counted(tmp_path):
    files = {"x/a.txt": b"A.", "b.jsonl": b'{"text": "B."}\n{', "c.pdf": b"%PDF", "__MACOSX/x/._a.txt": b"\0\5"}
    place(tmp_path, {"n.zip": as_zip({"d/": b"", **files})})
    read, notes = rows(tmp_path)
    assert list(read) == ["n.zip/x/a.txt", "n.zip/b.jsonl:1", "n.zip/b.jsonl:2"]
    assert read["n.zip/b.jsonl:2"].startswith("not JSON")
    assert notes == {"n.zip": ["left out: 1 .pdf, 1 of macOS's own"]}


def test_what_cannot_be_read_of_an_archive_costs_that_member_alone(tmp_path):
    link = zipfile.ZipInfo("link.txt")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "n.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("a.txt", "../b.txt", "/c.txt", "..\\d.txt", "in.zip", "secret.txt", "torn.txt"):
            archive.writestr(name, b"The truce held overnight. " * 9)
        archive.writestr(link, "/etc/passwd")
        archive.writestr("z.txt", "Z.")
    data = bytearray((tmp_path / "n.zip").read_bytes())
    for mark, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):  # the flag of encryption, in both places
        place_of_flag = data.index(mark, data.rindex(b"secret.txt") - 60 if mark == b"PK\1\2" else 0)
        while data[place_of_flag : place_of_flag + 100].find(b"secret.txt") not in (30, 46):
            place_of_flag = data.index(mark, place_of_flag + 1)
        data[place_of_flag + at] |= 1
    torn = data.index(b"torn.txt") + 8
    data[torn + 4] ^= 0xFF
    (tmp_path / "n.zip").write_bytes(data)

    read, _ = rows(tmp_path)
    assert read["n.zip/a.txt"].startswith("The truce")
    assert read["n.zip/z.txt"] == "Z."
    outward = "a path that leads out of the archive"
    assert {name: read[f"n.zip/{name}"] for name in ("../b.txt", "/c.txt", "..\\d.txt", "link.txt", "in.zip")} == {
        "../b.txt": outward,
        "/c.txt": outward,
        "..\\d.txt": outward,
        "link.txt": "a link",
        "in.zip": "an archive inside an archive; unpack it first",
    }
    assert read["n.zip/secret.txt"].startswith("encrypted; ")
    assert read["n.zip/torn.txt"].startswith("cannot be read as text: ")
    assert len(read) == 9


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "cannot be read as an archive: no zip archive: File is not a zip file"),
        (b"PK\3\4 no more", "cannot be read as an archive: no zip archive: "),
        (as_zip({"a.txt": b"A." * 99})[:-9], "cannot be read as an archive: no zip archive: "),
        (as_zip({}), "empty: no file in it"),
        (as_zip({"a.pdf": b""}), "no readable file in it; left out: 1 .pdf"),
        (b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 9, 9, 46 * 9, 1 << 30, 0), "cannot be read as an archive: no zip"),
    ],
)
def test_a_broken_archive_is_one_line(tmp_path, content, says):
    place(tmp_path, {"n.zip": content, "z.txt": b"Z."})
    read, _ = rows(tmp_path)
    assert read["n.zip"].startswith(says)
    assert read["z.txt"] == "Z."


def test_left_out_files_are_told_in_the_order_of_their_number():
    from collections import Counter

    assert describe_left_out(Counter({".docx": 1, ".pdf": 3})) == "left out: 3 .pdf, 1 .docx"
