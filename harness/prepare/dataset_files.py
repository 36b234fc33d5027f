"""Local files, or folders of them -> documents, each a whole string. What is no document is named with its place."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

from harness.errors import DatasetError
from harness.job.job import TEXT_COLUMN

PACKED = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2"}
"""How a file is unpacked, by its ending."""
BYTE_ORDER_MARK = "\ufeff"
SAVED, SAVED_SPLITS = "state.json", "dataset_dict.json"
"""What save_to_disk of the datasets library writes beside its Arrow files, and above its splits."""
TRAIN = "train"
Reader = Callable[[Path, str], Iterator[str]]


def is_text_name(name: str) -> bool:
    """True if a name ends like a file that can be read."""
    return _kind_of(Path(name)) in READERS


def text_files_in(path: Path) -> list[Path]:
    """Return the files of a dataset in reading order. Raises DatasetError if there are none."""
    if not path.is_dir():
        if _kind_of(path) not in READERS:
            raise DatasetError(f"{path}: {path.suffix or 'no ending'} is not known; allowed are {ALLOWED}, or a folder")
        return [path]
    if (path / SAVED_SPLITS).is_file():
        splits = sorted(child.name for child in path.iterdir() if (child / SAVED).is_file())
        if TRAIN not in splits:
            raise DatasetError(f"{path}: has no split {TRAIN!r}, but {', '.join(splits) or 'none'}; give one's folder")
        return text_files_in(path / TRAIN)
    if (path / SAVED).is_file():
        return _saved_files(path)
    below = [file for file in path.rglob("*") if file.is_file() and not _hidden(file, path)]
    found = sorted(file for file in below if _kind_of(file) in READERS)
    kinds = sorted({_kind_of(file) for file in found})
    if len(kinds) != 1:
        what = f"holds {' and '.join(kinds)} files; give a folder of one kind" if kinds else f"holds no {ALLOWED} file"
        raise DatasetError(f"{path}: is a folder that {what}, or one that save_to_disk wrote")
    return found


def documents_in(files: Sequence[Path], column: str) -> Iterator[str]:
    """Yield every document of every file. Raises DatasetError at the first that is none."""
    for path in files:
        try:
            if path.stat().st_size == 0:
                raise DatasetError(f"{path}: is empty")
            yield from READERS[_kind_of(path)](path, column)
        except (OSError, pa.ArrowException) as error:
            raise DatasetError(f"{path}: cannot be read ({error})") from error


def checked_text(text: object, place: str, column: str) -> str:
    """Return a document as it is trained. Raises DatasetError if it is no text, or text that UTF-8 cannot hold."""
    if not isinstance(text, str):
        raise DatasetError(f'{place}: has no string under "{column}"')
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise DatasetError(f"{place}: holds half of a surrogate pair, which is no character") from error
    return text.removeprefix(BYTE_ORDER_MARK)


def column_in(names: Sequence[str], types: Sequence[pa.DataType], column: str, place: str) -> str:
    """Return the text column's name as the table spells it. Raises DatasetError if there is none, or several."""
    found = [index for index, name in enumerate(names) if name.removeprefix(BYTE_ORDER_MARK) == column]
    if not found:
        known = ", ".join(names)
        raise DatasetError(f'{place}: has no column "{column}"; it has {known}, of which --text-column can name one')
    if len(found) > 1:
        raise DatasetError(f'{place}: has {len(found)} columns "{column}"')
    kind = types[found[0]]
    values = kind.value_type if pa.types.is_dictionary(kind) else kind
    if not (pa.types.is_string(values) or pa.types.is_large_string(values) or pa.types.is_string_view(values)):
        raise DatasetError(f'{place}: column "{column}" holds {kind}, not text')
    return names[found[0]]


def texts_of_parquet(file: pq.ParquetFile, name: str, column: str) -> Iterator[str]:
    """Yield the documents of an open parquet file. Raises DatasetError, and the errors of reading it."""
    schema = file.schema_arrow
    spelled = column_in(schema.names, schema.types, column, name)
    groups = (file.read_row_group(group, columns=[spelled])[spelled] for group in range(file.num_row_groups))
    return _texts_of(groups, name, column)


def _texts_of(parts: Iterable[pa.Array | pa.ChunkedArray], name: str, column: str) -> Iterator[str]:
    """Yield the documents of a column in parts. Rows are counted over all parts."""
    row = 0
    for part in parts:
        try:
            texts = part.to_pylist()
        except UnicodeDecodeError as error:
            raise DatasetError(f"{name}, after row {row}: is not UTF-8 text ({error})") from error
        for row, text in enumerate(texts, start=row + 1):  # noqa: B020 (counts on over the parts)
            yield checked_text(text, f"{name}, row {row}", column)


def _parquet(path: Path, column: str) -> Iterator[str]:
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise DatasetError(f"{path}: is not a parquet file ({error})") from error
    yield from texts_of_parquet(file, str(path), column)


def _arrow(path: Path, column: str) -> Iterator[str]:
    with pa.OSFile(str(path)) as source, pyarrow.ipc.open_stream(source) as reader:
        spelled = column_in(reader.schema.names, reader.schema.types, column, str(path))
        yield from _texts_of((batch.column(spelled) for batch in reader), str(path), column)


def _text(path: Path, column: str) -> Iterator[str]:
    """Yield the whole file. Its line ends stay as they are."""
    if column != TEXT_COLUMN:
        raise DatasetError(f"{path}: is plain text and has no columns, so text_column = {column} says nothing")
    with _unpacked(path) as file:
        try:
            yield file.read().decode("utf-8").removeprefix(BYTE_ORDER_MARK)
        except UnicodeDecodeError as error:
            raise DatasetError(f"{path}: is not UTF-8 text ({error})") from error


def _jsonl(path: Path, column: str) -> Iterator[str]:
    def row_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if sum(name == column for name, _ in pairs) > 1:
            raise ValueError(f'"{column}" stands twice')
        return dict(pairs)

    with _unpacked(path) as lines:
        for number, line in enumerate(lines, start=1):
            place = f"{path}, line {number}"
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
                row = json.loads(text, object_pairs_hook=row_of) if text else {}
            except (ValueError, RecursionError) as error:
                raise DatasetError(f"{place}: is not JSON ({error})") from error
            if text:
                yield checked_text(row.get(column) if isinstance(row, dict) else None, place, column)


def _unpacked(path: Path) -> io.BufferedReader:
    """Open a file as bytes, unpacked if necessary. Reading may raise OSError."""
    if path.suffix.lower() not in PACKED:
        return path.open("rb")
    return io.BufferedReader(pa.input_stream(str(path), compression=PACKED[path.suffix.lower()]))


def _saved_files(folder: Path) -> list[Path]:
    """Return the Arrow files of a dataset that save_to_disk wrote."""
    path = folder / SAVED
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
        files = [folder / Path(entry["filename"]).name for entry in state["_data_files"]]
        indices = state.get("_indices_files")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DatasetError(f"{path}: is not what save_to_disk writes ({error})") from error
    if indices:
        raise DatasetError(f"{path}: keeps its rows in another order than its files; save it after flatten_indices()")
    for file in files:
        if not file.is_file():
            raise DatasetError(f"{path}: names {file.name}, which is missing")
    return files


def _kind_of(path: Path) -> str:
    """Return the ending that says how to read a file, without the ending of its compression."""
    name = path.name.lower()
    for packed in PACKED:
        name = name.removesuffix(packed)
    return Path(name).suffix


def _hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


READERS: dict[str, Reader] = {".parquet": _parquet, ".jsonl": _jsonl, ".txt": _text, ".arrow": _arrow}
ALLOWED = ".parquet, .jsonl, .txt (or .jsonl and .txt with .gz, .zst or .bz2)"
