from __future__ import annotations

import contextlib
import dataclasses
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import DatasetError
from harness.job.job import Job
from harness.prepare.corpus import open_corpus
from tests.conftest import hostile


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
        ("missing.txt", None, "no such file or folder"),
        ("empty.txt", b"", "is empty"),
        ("prose.docx", b"PK", ".docx is not known; allowed are .parquet, .jsonl, .txt"),
        ("latin1.txt", "naïve".encode("latin-1"), "not UTF-8"),
        ("broken.jsonl", b'{"text": "a"}\n{"text": ', "line 2: is not JSON"),
        ("other.jsonl", b'{"body": "a"}\n', 'line 1: has no string under "text"'),
        ("list.jsonl", b"[1]\n", "line 1"),
        ("fake.parquet", b"PAR1 not really", "is not a parquet file"),
        ("folder", b"/", "is a folder that holds no .parquet, .jsonl, .txt"),
        ("null.jsonl", b'{"text": null}\n', 'line 1: has no string under "text"'),
        ("bare.jsonl", b"null\n", "line 1: has no string"),
        ("number.jsonl", b'{"text": 1}\n', "line 1: has no string"),
        ("half.jsonl", b'{"text": "a"}\n{"text": "\\ud800"}\n', "line 2: holds half of a surrogate pair"),
        ("twice.jsonl", b'{"text": "a", "text": "b"}\n', 'line 1: is not JSON ("text" stands twice)'),
        ("deep.jsonl", b"[" * 100_000 + b"\n", "line 1: is not JSON"),
        ("digits.jsonl", b'{"text": ' + b"9" * 5000 + b"}\n", "line 1: is not JSON"),
        ("fake.jsonl.gz", b"not gzip", "cannot be read"),
        ("cut.txt.zst", b"\x28\xb5\x2f\xfd", "cannot be read"),
        ("state.arrow", b"not arrow", "cannot be read"),
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


def refusal(job: Job, dataset: Path, cache: Path) -> str:
    with pytest.raises(DatasetError) as caught:
        documents(job, str(dataset), cache)
    return str(caught.value)


def invalid_utf8() -> pa.Array:
    """What a writer that does not check leaves in a column of text."""
    return pa.array([b"fine", b"\xff\xfe"]).view(pa.string())


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (
            {"score": [1.0], "url": ["x"]},
            'has no column "text"; it has score, url, of which --text-column can name one',
        ),
        ({"text": [1, 2]}, 'column "text" holds int64, not text'),
        ({"text": [["a"]]}, 'column "text" holds list'),
        ({"text": ["a", None]}, 'row 2: has no string under "text"'),
        ({"text": invalid_utf8()}, "after row 0: is not UTF-8 text"),
    ],
)
def test_a_table_without_text_is_refused_with_the_place(
    small_job: Job, tmp_path: Path, table: dict[str, object], words: str
) -> None:
    path = tmp_path / "table.parquet"
    pq.write_table(pa.table(table), path)
    assert words in refusal(small_job, path, tmp_path)


def test_a_table_with_two_columns_of_text_is_refused(small_job: Job, tmp_path: Path) -> None:
    path = tmp_path / "twice.parquet"
    pq.write_table(pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["text", "text"]), path)
    assert 'has 2 columns "text"' in refusal(small_job, path, tmp_path)


def test_another_column_can_be_named(small_job: Job, tmp_path: Path) -> None:
    path, lines = tmp_path / "table.parquet", tmp_path / "lines.jsonl"
    pq.write_table(pa.table({"text": ["no"], "content": ["yes"]}), path)
    lines.write_text('{"content": "yes", "text": 1}', encoding="utf-8")
    job = dataclasses.replace(small_job, text_column="content")
    assert documents(job, str(path), tmp_path) == documents(job, str(lines), tmp_path) == ["yes"]
    assert Job.from_dict(json.loads(json.dumps(job.as_dict()))) == job
    assert job.sha256 != small_job.sha256
    assert "text_column" not in small_job.as_dict()


def test_plain_text_has_no_column_to_name(small_job: Job, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("prose", encoding="utf-8")
    job = dataclasses.replace(small_job, text_column="content")
    assert "has no columns, so text_column = content says nothing" in refusal(job, tmp_path / "a.txt", tmp_path)


@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.parquet", "columns.parquet"])
def test_a_byte_order_mark_is_never_trained(small_job: Job, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "a.txt":
        path.write_text("prose", encoding="utf-8-sig")
    elif name == "a.jsonl":
        path.write_text(json.dumps({"text": "\ufeffprose"}), encoding="utf-8-sig")
    else:
        column = "text" if name == "a.parquet" else "\ufefftext"
        pq.write_table(pa.table({column: ["\ufeffprose"]}), path)
    assert documents(small_job, str(path), tmp_path) == ["prose"]


@pytest.mark.parametrize("packed", ["gz", "zst", "bz2"])
def test_packed_files_are_unpacked(small_job: Job, tmp_path: Path, packed: str) -> None:
    codec = {"gz": "gzip", "zst": "zstd", "bz2": "bz2"}[packed]
    for name, content in (("a.jsonl", b'{"text": "one"}\n{"text": "two"}\n'), ("b.txt", b"prose\n")):
        with pa.output_stream(str(tmp_path / f"{name}.{packed}"), compression=codec) as file:
            file.write(content)
    assert documents(small_job, str(tmp_path / f"a.jsonl.{packed}"), tmp_path) == ["one", "two"]
    assert documents(small_job, str(tmp_path / f"b.txt.{packed}"), tmp_path) == ["prose\n"]
    loud = (tmp_path / f"b.txt.{packed}").rename(tmp_path / f"B.TXT.{packed.upper()}")
    assert documents(small_job, str(loud), tmp_path) == ["prose\n"]


def test_a_folder_gives_its_files_in_the_order_of_their_names(small_job: Job, tmp_path: Path) -> None:
    place = tmp_path / "shards"
    (place / "b").mkdir(parents=True)
    for name, text in (("b/1.parquet", "three"), ("a1.parquet", "one"), ("a2.parquet", "two")):
        pq.write_table(pa.table({"text": [text]}), place / name)
    (place / ".cache.txt").write_text("hidden", encoding="utf-8")
    (place / ".git").mkdir()
    (place / ".git" / "notes.txt").write_text("hidden", encoding="utf-8")
    (place / "README.md").write_text("about", encoding="utf-8")
    assert documents(small_job, str(place), tmp_path) == ["one", "two", "three"]
    (place / "stray.txt").write_text("prose", encoding="utf-8")
    assert "holds .parquet and .txt files; give a folder of one kind" in refusal(small_job, place, tmp_path)


def saved(folder: Path, texts: list[str], **state: object) -> None:
    """As the datasets library's save_to_disk writes it."""
    folder.mkdir(parents=True)
    table = pa.table({"text": texts})
    with (
        pa.OSFile(str(folder / "data-00000-of-00001.arrow"), "wb") as sink,
        pa.ipc.new_stream(sink, table.schema) as to,
    ):
        to.write_table(table)
    files = {"_data_files": [{"filename": "data-00000-of-00001.arrow"}], **state}
    (folder / "state.json").write_text(json.dumps(files), encoding="utf-8")


def test_a_saved_dataset_is_read_and_of_several_splits_the_one_to_train(small_job: Job, tmp_path: Path) -> None:
    saved(tmp_path / "one", ["a", "b"])
    assert documents(small_job, str(tmp_path / "one"), tmp_path) == ["a", "b"]
    saved(tmp_path / "all" / "train", ["c"])
    saved(tmp_path / "all" / "test", ["d"])
    (tmp_path / "all" / "dataset_dict.json").write_text('{"splits": ["train", "test"]}', encoding="utf-8")
    assert documents(small_job, str(tmp_path / "all"), tmp_path) == ["c"]


def test_a_saved_dataset_that_is_not_whole_is_refused(small_job: Job, tmp_path: Path) -> None:
    saved(tmp_path / "moved", ["a"], _indices_files=[{"filename": "indices.arrow"}])
    assert "flatten_indices" in refusal(small_job, tmp_path / "moved", tmp_path)
    saved(tmp_path / "cut", ["a"])
    (tmp_path / "cut" / "data-00000-of-00001.arrow").unlink()
    assert "names data-00000-of-00001.arrow, which is missing" in refusal(small_job, tmp_path / "cut", tmp_path)
    saved(tmp_path / "odd", ["a"], _data_files=3)
    assert "is not what save_to_disk writes" in refusal(small_job, tmp_path / "odd", tmp_path)


@pytest.mark.parametrize("name", ["data/missing.jsonl", "data/missing.txt.gz", "./data/x", "one/two/three", "alone"])
def test_a_path_that_is_not_there_is_never_asked_of_the_hub(small_job: Job, tmp_path: Path, name: str) -> None:
    with pytest.raises(DatasetError, match="no such file or folder"):
        documents(small_job, name, tmp_path)


BYTES = st.one_of(
    st.binary(max_size=60),
    st.dictionaries(st.text(max_size=4), st.text(max_size=8), max_size=3).map(lambda row: json.dumps(row).encode()),
)


@hostile
@given(
    lines=st.lists(BYTES, max_size=4), name=st.sampled_from(["a.jsonl", "a.txt", "a.parquet", "a.jsonl.gz", "a.arrow"])
)
def test_no_file_makes_a_traceback(
    small_job: Job, tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], name: str
) -> None:
    path = tmp_path_factory.mktemp("corpora") / name
    path.write_bytes(b"\n".join(lines))
    with contextlib.suppress(DatasetError):
        assert all(isinstance(text, str) for text in documents(small_job, str(path), path.parent))
