from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.errors import DatasetError
from harness.job import Job
from harness.prepare.corpus import open_corpus


def documents(job: Job, dataset: str, cache: Path) -> list[str]:
    return list(open_corpus(dataclasses.replace(job, dataset=dataset), cache).documents())


def test_a_text_file_is_one_document(small_job: Job, tmp_path: Path) -> None:
    path = tmp_path / "prose.txt"
    path.write_text("First.\nSecond.\n", encoding="utf-8")
    assert documents(small_job, str(path), tmp_path) == ["First.\nSecond.\n"]


def test_jsonl_and_parquet_give_their_text_column(small_job: Job, tmp_path: Path) -> None:
    texts = ["One.", "Zwei äöü.", "三"]
    lines = tmp_path / "docs.jsonl"
    lines.write_text("\n".join(json.dumps({"text": text, "id": 1}) for text in texts) + "\n\n", encoding="utf-8")
    table = tmp_path / "docs.parquet"
    pq.write_table(pa.table({"text": texts, "score": [1.0, 2.0, 3.0]}), table, row_group_size=2)
    assert documents(small_job, str(lines), tmp_path) == texts
    assert documents(small_job, str(table), tmp_path) == texts


def test_without_a_hub_the_stand_in_says_that_it_is_not_fineweb_edu(small_job: Job, tmp_path: Path) -> None:
    corpus = open_corpus(small_job, tmp_path)
    assert corpus.is_stand_in
    assert "stand-in" in corpus.source
    assert "not HuggingFaceFW/fineweb-edu" in corpus.source
    assert sum(len(text) for text in corpus.documents()) > 400_000


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("missing.txt", None, "no such file"),
        ("empty.txt", b"", "is empty"),
        ("prose.docx", b"PK", "allowed are .parquet, .jsonl, .txt"),
        ("latin1.txt", "naïve".encode("latin-1"), "not UTF-8"),
        ("broken.jsonl", b'{"text": "a"}\n{"text": ', "line 2: is not JSON"),
        ("other.jsonl", b'{"body": "a"}\n', 'line 1: has no string under "text"'),
        ("list.jsonl", b"[1]\n", "line 1"),
        ("fake.parquet", b"PAR1 not really", "is not a parquet file"),
        ("folder", b"/", "is a folder"),
    ],
)
def test_a_dataset_that_cannot_be_used_is_named(
    small_job: Job, tmp_path: Path, name: str, content: bytes | None, words: str
) -> None:
    path = tmp_path / name
    if content == b"/":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(DatasetError) as caught:
        documents(small_job, str(path), tmp_path)
    assert name in str(caught.value)
    assert words in str(caught.value)


def test_a_parquet_without_text_names_its_columns(small_job: Job, tmp_path: Path) -> None:
    path = tmp_path / "numbers.parquet"
    pq.write_table(pa.table({"score": [1.0], "url": ["x"]}), path)
    with pytest.raises(DatasetError, match=r'no column "text"; it has score, url'):
        documents(small_job, str(path), tmp_path)
