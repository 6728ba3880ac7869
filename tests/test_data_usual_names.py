"""The names that newsrooms give to columns, in their languages."""

import json

import pytest

from slugline.data.corpus import ArticleCorpus
from slugline.data.ready_sentences import SentenceCorpus
from slugline.data.usual_names import OF_ARTICLES, OF_SENTENCES, find_usual, normal

TABLES = {
    "de": ("Überschrift", "Volltext", "Veröffentlicht", "Zeitung", "Link", "Sprache"),
    "fr": ("Titre", "Texte", "Date de publication", "Journal", "Lien", "Langue"),
    "es": ("Título", "Contenido", "Fecha", "Fuente", "Enlace", "Idioma"),
    "pt": ("Titulo", "Conteudo", "Data", "Fonte", "URL", "Língua"),
    "it": ("Titolo", "Testo", "Data", "Testata", "Collegamento", "Lingua"),
    "nl": ("Kop", "Tekst", "Publicatiedatum", "Krant", "Koppeling", "Taal"),
    "ru": ("Заголовок", "Текст", "Дата публикации", "Источник", "Ссылка", "Язык"),
    "ar": ("العنوان", "النص", "تاريخ النشر", "المصدر", "الرابط", "اللغة"),
    "zh": ("标题", "正文", "发布日期", "来源", "链接", "语言"),
    "hi": ("शीर्षक", "पाठ", "दिनांक", "स्रोत", "लिंक", "भाषा"),
}


@pytest.mark.parametrize("language", TABLES)
def test_a_table_with_names_of_another_language_is_read_without_naming_any(tmp_path, language):
    cells = ("Talks", "They went on.", "2024-03-05", "Gazette", "https://news.example/1", language)
    row = dict(zip(TABLES[language], cells, strict=True))
    (tmp_path / "a.jsonl").write_text(json.dumps(row, ensure_ascii=False) + "\n", "utf-8")
    corpus = ArticleCorpus(str(tmp_path / "a.jsonl"))()
    article = corpus.articles.iloc[0]
    columns = ("title", "text", "published", "source", "url", "language")
    assert tuple(article[name] for name in columns) == cells
    assert f"text from '{TABLES[language][1]}'" in " ".join(corpus.all_notes())


def test_sentences_are_read_by_such_names_too(tmp_path):
    (tmp_path / "s.csv").write_text("Satz,label,Datum\nDer Fluss steigt.,flood,2024-03-05\n", "utf-8")
    corpus = SentenceCorpus(str(tmp_path / "s.csv"))()
    assert corpus.ready_sentences["text"].tolist() == ["Der Fluss steigt."]
    assert corpus.articles["published"].tolist() == ["2024-03-05"]


@pytest.mark.parametrize("usual", [OF_ARTICLES, OF_SENTENCES])
def test_no_name_is_usual_for_two_columns_but_those_of_texts(usual):
    known = {
        column: {normal(name) for name in names.split(", ")} for column, names in usual.items() if column != "text"
    }
    pairs = [(a, b) for a in known for b in known if a < b and known[a] & known[b]]
    assert pairs == []


def test_names_in_english_come_first():
    assert find_usual(["Datum", "date"], OF_ARTICLES["published"]) == ["date", "Datum"]
