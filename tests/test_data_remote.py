"""Files at URLs are read as files of this machine are; only fsspec knows where they lie."""

import json
import sys

import pytest
from written_articles import ARTICLES, as_zip, compress, write_format

from slugline.cache import stage_key
from slugline.data import ArticleCorpus
from slugline.data.articles import read_articles
from slugline.data.input_files import file_state, find_files
from slugline.data.opening import ReadOptions
from slugline.data.schema import Article
from slugline.errors import InputError


@pytest.fixture
def memory():
    """Return an empty file system in memory."""
    fsspec = pytest.importorskip("fsspec")
    filesystem = fsspec.filesystem("memory")
    filesystem.store.clear()
    yield filesystem
    filesystem.store.clear()


def put(filesystem, files, folder="/news"):
    for name, content in files.items():
        filesystem.pipe_file(f"{folder}/{name}", content)


def texts(path, **options):
    articles = [item for _, item in read_articles(path, ReadOptions(**options))]
    assert [one for one in articles if not isinstance(one, Article)] == []
    return sorted(article.text for article in articles)


EXPECTED = sorted(article["text"] for article in ARTICLES)


@pytest.mark.parametrize("format", ["text", "jsonl", "csv", "parquet", "xlsx", "feed"])
@pytest.mark.parametrize("ending", ["", ".gz", ".zip"])
def test_articles_at_a_url_are_those_of_the_files(memory, format, ending):
    put(memory, compress(write_format(format), ending))
    assert texts("memory://news") == EXPECTED


def test_a_file_a_folder_and_a_glob_give_names_below_them_as_files_here_do(memory):
    put(memory, {"a.txt": b"A.", "in/b.txt": b"B.", "in/c.pdf": b"%PDF"})
    names = {path: [name for _, name in find_files(path)] for path in PATHS}
    assert names == PATHS
    assert find_files("memory://news").left_out == {".pdf": 1}


PATHS = {
    "memory://news/a.txt": ["a.txt"],
    "memory://news": ["a.txt", "in/b.txt"],
    "memory://news/*.txt": ["a.txt"],
    "memory://news/*/*.txt": ["in/b.txt"],
    "memory://news/**/*.txt": ["a.txt", "in/b.txt"],
}


def test_what_is_not_there_is_one_line(memory):
    for path in ("memory://no", "memory://no.txt", "memory://*.txt"):
        with pytest.raises(InputError, match=r"data\.path: no readable file at memory://"):
            find_files(path)
    with pytest.raises(InputError, match=r"klingon://x: .*klingon"):
        find_files("klingon://x")


def test_without_fsspec_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(InputError, match=r's3://b/a.txt: needs fsspec: pip install "slugline\[remote\]"'):
        find_files("s3://b/a.txt")


def test_a_path_of_this_machine_needs_no_fsspec(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec", None)
    (tmp_path / "a.txt").write_text("A.")
    assert texts(tmp_path) == ["A."]


def keys(path):
    corpus = ArticleCorpus(path)
    return stage_key("data", corpus, corpus.files())


def test_a_change_at_a_url_or_inside_an_archive_changes_the_key_of_the_cache_and_the_state_of_the_file(
    memory, tmp_path
):
    put(memory, {"a.jsonl": b'{"text": "A."}\n'})
    (tmp_path / "a.zip").write_bytes(as_zip({"a.txt": b"A."}))
    paths = ["memory://news", str(tmp_path)]
    before = [(keys(path), file_state(find_files(path)[0][0])) for path in paths]
    assert before == [(keys(path), file_state(find_files(path)[0][0])) for path in paths]
    put(memory, {"a.jsonl": b'{"text": "BB."}\n'})
    (tmp_path / "a.zip").write_bytes(as_zip({"a.txt": b"BB."}))
    after = [(keys(path), file_state(find_files(path)[0][0])) for path in paths]
    assert all(old[0] != new[0] and old[1] != new[1] for old, new in zip(before, after, strict=True))


@pytest.fixture
def bucket(monkeypatch):
    """Return the file system of a bucket `news` on a server of this machine."""
    s3fs = pytest.importorskip("s3fs")
    server_module = pytest.importorskip("moto.server")
    for name, value in {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",  # of the server below, which takes any
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    server = server_module.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    s3fs.S3FileSystem.clear_instance_cache()
    filesystem = s3fs.S3FileSystem()
    filesystem.mkdir("news")
    yield filesystem
    server.stop()
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of boto and its server
def test_articles_in_a_bucket_are_found_and_read_and_their_state_is_the_servers(bucket):
    for number, article in enumerate(ARTICLES):
        bucket.pipe_file(f"news/2024/{number}.jsonl", json.dumps(article).encode())
    bucket.pipe_file("news/2024/all.zip", as_zip({"x.txt": b"In an archive."}))
    bucket.pipe_file("news/2024/x.pdf", b"%PDF")
    assert texts("s3://news/2024/*.jsonl") == EXPECTED
    assert texts("s3://news") == sorted([*EXPECTED, "In an archive."])
    assert find_files("s3://news").left_out == {".pdf": 1}

    file = find_files("s3://news/2024/0.jsonl")[0][0]
    before = file_state(file)
    assert file_state(file) == before
    bucket.pipe_file("news/2024/0.jsonl", b'{"text": "Another."}')
    bucket.invalidate_cache()
    assert file_state(file) != before
    with pytest.raises(InputError, match=r"^s3://none/a\.jsonl: cannot be read: FileNotFoundError|no readable file"):
        find_files("s3://none/a.jsonl")
