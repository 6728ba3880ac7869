"""The encoding of text is found from its bytes, or two are named that would do."""

import io
import re
import sys
from types import SimpleNamespace

import pytest

from slugline.data.encodings import LOOKED_AT, BinaryError, DoubtError, decode, decode_exactly, find_encoding
from slugline.data.opening import ReadOptions
from slugline.data.read_files import describe_files
from slugline.data.readers import read_rows
from slugline.errors import InputError

TEXTS = {
    "English": ("cp1252", "The minister’s aide said “no” – and left the café in Zürich with 10 m³ of gas for £5."),
    "French": ("cp1252", "Une trêve fragile a été signée à Genève après trois jours de négociations."),
    "German": (
        "cp1252",
        "Die Gespräche über eine Waffenruhe wurden in Zürich fortgesetzt, sagte ein größerer Verband.",
    ),
    "Spanish": ("cp1252", "El alto el fuego entró en vigor a medianoche, según señaló la misión. ¿Qué pasó?"),
    "Portuguese": ("cp1252", "As negociações sobre a trégua continuaram em São Paulo, disse um funcionário."),
    "Swedish": ("cp1252", "Förhandlingarna om vapenvila återupptogs på måndagen, sade en talesman för regeringen."),
    "Polish": ("cp1250", "Rozmowy wznowiono w poniedziałek, powiedział rzecznik rządu. Żołnierze są gotowi. Łódź też."),
    "French on an old Mac": ("mac_roman", "Une trêve a été signée à Genève, où les députés ont été reçus après l’été."),
    "Russian": ("cp1251", "Переговоры о перемирии возобновились в понедельник, сообщил представитель правительства."),
    "Russian mail": (
        "koi8_r",
        "Переговоры о перемирии возобновились в понедельник, сообщил представитель правительства.",
    ),
    "Greek": ("cp1253", "Οι συνομιλίες για την εκεχειρία συνεχίστηκαν τη Δευτέρα, δήλωσε ο εκπρόσωπος."),
    "Arabic": ("cp1256", "استؤنفت محادثات وقف إطلاق النار يوم الاثنين، بحسب متحدث باسم الحكومة."),
    "Hebrew": ("cp1255", "שיחות הפסקת האש התחדשו ביום שני, אמר דובר הממשלה."),
    "Chinese": ("gb18030", "停火谈判于周一恢复,政府发言人说。士兵们留在原地。"),
    "Japanese": ("shift_jis", "停戦協議は月曜日に再開されたと政府報道官が述べた。兵士は残った。"),
    "Korean": ("euc_kr", "휴전 회담이 월요일에 재개되었다고 정부 대변인이 말했다."),
}


@pytest.mark.parametrize("language", TEXTS)
def test_the_encoding_of_every_language_is_found(language):
    own, text = TEXTS[language]
    for repeated in (text, f"text,title\n{text},x\n" * 30):
        unicode = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32")
        for encoding in (own, *unicode):
            data = f"{repeated}\n".encode(encoding)
            assert decode(data) == f"{repeated}\n", encoding
            mark, unmarked, content = decode_exactly(data)
            assert mark + content.encode(unmarked) == data


@pytest.mark.parametrize(
    ("encoding", "text", "readings"),
    [
        ("cp1250", "Lech Wałęsa spoke in Gdańsk.", {"cp1252": "Wa³êsa", "cp1250": "Wałęsa"}),
        ("cp1250", "Jednání o příměří pokračovala.", {"cp1252": "pøímìøí", "cp1250": "příměří"}),
        ("cp1254", "Ateşkes görüşmeleri başladı.", {"cp1252": "Ateþkes", "cp1254": "Ateşkes"}),
    ],
)
def test_where_two_would_do_both_are_named_with_what_they_read_and_each_works_when_pasted(
    tmp_path, encoding, text, readings
):
    with pytest.raises(DoubtError) as doubt:
        find_encoding(text.encode(encoding))
    assert doubt.value.readings == readings
    (tmp_path / "n.csv").write_bytes(f"text\n{text}\n".encode(encoding))
    [(where, reason)] = read_rows(tmp_path / "n.csv")
    assert where == "n.csv"
    for setting, word in re.findall(r"data\.encoding=(\w+) \((.+?)\)", reason):
        [(_, row)] = read_rows(tmp_path / "n.csv", ReadOptions(encoding=setting))
        assert word in row["text"]


@pytest.mark.parametrize(
    "data", [bytes(range(256)), b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xff\xfe" * 9, b"\x1f\x8b\x08\0\xff"]
)
def test_what_is_no_text_is_refused(data):
    with pytest.raises(BinaryError):
        find_encoding(data)


def test_only_so_many_bytes_are_looked_at_and_a_sign_may_be_cut_there():
    text = "é" * LOOKED_AT
    assert find_encoding(b"a" + text.encode()) == find_encoding(text.encode()) == "utf-8"


@pytest.mark.parametrize("name", ["n.csv", "n.jsonl"])
@pytest.mark.parametrize("filler", ["", "x" * 100], ids=["short", "far in"])
def test_a_bad_byte_in_a_file_of_utf_8_costs_its_row_alone(tmp_path, name, filler):
    many = max(2, 2 * LOOKED_AT // 100) if filler else 6
    line = {"n.csv": f"trêve{filler},1", "n.jsonl": f'{{"text": "trêve{filler}", "b": "1"}}'}[name]
    lines = [*["text,b"] * (name == "n.csv"), *[line] * many]
    data = [one.encode() for one in lines]
    data[-2] = data[-2].replace("ê".encode(), b"\xea")
    (tmp_path / name).write_bytes(b"\n".join(data))
    rows = list(read_rows(tmp_path / name))
    bad = [(where, row) for where, row in rows if isinstance(row, str)]
    assert len(rows) == many
    assert [where for where, _ in bad] == [f"{name}:{len(lines) - 1}"]
    assert "not utf-8: byte 0xea; files from Windows are often read with data.encoding=cp1252" in bad[0][1]


@pytest.mark.parametrize("format", ["text", "csv", "jsonl"])
@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-8"])
def test_standard_input_which_cannot_be_read_twice_is_read_in_its_encoding(monkeypatch, format, encoding):
    content = {"text": "trêve", "csv": "text;b\ntrêve;1\n", "jsonl": '{"text": "trêve"}\n'}[format]

    class Pipe(io.BytesIO):
        def seekable(self):
            return False

        def seek(self, *_):
            raise OSError("a pipe")

    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=Pipe(content.encode(encoding))))
    opened = []
    [(_, row)] = read_rows("-", ReadOptions(format=format), opened=opened)
    assert row["text"] == "trêve"
    notes = ([encoding] if encoding != "utf-8" else []) + (["';'"] if format == "csv" else [])
    assert opened[0].notes == notes


@pytest.mark.parametrize("name", ["hex", "base64", "zip", "rot13", "undefined", "klingon", "a\0b", ""])
def test_what_encodes_no_text_is_refused_in_one_line(tmp_path, name):
    (tmp_path / "n.txt").write_text("text")
    with pytest.raises(InputError, match=r"data\.encoding: there is no '.*'; allowed: Python's for text") as error:
        list(read_rows(tmp_path / "n.txt", ReadOptions(encoding=name)))
    assert "\n" not in str(error.value)


def test_many_files_read_alike_are_one_line(tmp_path):
    for number in range(9):
        (tmp_path / f"{number}.txt").write_bytes("trêve".encode("cp1252" if number else "utf-8"))
    opened = []
    assert len(list(read_rows(tmp_path, opened=opened))) == len(opened) == 9
    assert describe_files(opened) == ["8 files (1.txt, 2.txt, 3.txt and 5 more): cp1252"]
