"""The hub's side of the inputs, against a real server on this machine that speaks the hub's protocol."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.job.job import Job
from harness.prepare.weights import write_random_model
from tests.conftest import harness

COMMIT = "c1899de289a04d12100db370d81485cdf75e47ca"
CODE = """
import json, sys
from pathlib import Path
from harness.job.job import Job
from harness.prepare.corpus import open_corpus
from harness.prepare.hub import hub_answers
from harness.prepare.model import open_checkpoint
job = Job.from_dict(json.loads(sys.argv[1]))
cache = Path(sys.argv[2])
corpus, checkpoint = open_corpus(job, cache), open_checkpoint(job, cache)
print(json.dumps([hub_answers(), corpus.source, len(list(corpus.documents())), checkpoint.source,
                  list(checkpoint.weight_files), sorted(p.name for p in checkpoint.path.iterdir())]))
"""


class Hub(http.server.BaseHTTPRequestHandler):
    """Files of one model and one dataset, as the hub lists and serves them."""

    protocol_version = "HTTP/1.1"
    root: Path

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        _, kind, name = self._repository()
        entries = [self._entry(kind, name, path) for path in form.get("paths", [])]
        self._json([entry for entry in entries if entry])

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        if "/resolve/" in path:
            before, _, after = path.partition("/resolve/")
            kind = "datasets" if before.startswith("/datasets/") else "models"
            self._file(self.root / kind / before.removeprefix("/datasets").strip("/") / after.partition("/")[2])
        elif path.startswith("/api/"):
            rest, kind, name = self._repository()
            folder = self.root / kind / name
            if rest.startswith("tree/"):
                below = folder / rest.split("/", 2)[2] if rest.count("/") > 1 else folder
                found = sorted(below.iterdir()) if below.is_dir() else []
                self._json([self._entry(kind, name, str(child.relative_to(folder))) for child in found])
            else:
                siblings = [{"rfilename": str(p.relative_to(folder))} for p in folder.rglob("*") if p.is_file()]
                self._json({"id": name, "sha": COMMIT, "siblings": siblings, "private": False, "tags": []})
        else:
            self._json({})

    def log_message(self, *_: object) -> None:
        """Be quiet."""

    def _repository(self) -> tuple[str, str, str]:
        parts = unquote(urlsplit(self.path).path).removeprefix("/api/").split("/")
        return "/".join(parts[3:]), parts[0], "/".join(parts[1:3])

    def _entry(self, kind: str, name: str, path: str) -> dict[str, object] | None:
        file = self.root / kind / name / path
        if file.is_dir():
            return {"type": "directory", "path": path, "oid": "0" * 40}
        return {"type": "file", "path": path, "size": file.stat().st_size, "oid": "0" * 40} if file.is_file() else None

    def _json(self, value: object) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _file(self, path: Path) -> None:
        if not path.is_file():
            self._send(404, b"", {"X-Error-Code": "EntryNotFound"})
            return
        body = path.read_bytes()
        headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{hashlib.sha256(body).hexdigest()}"', "Accept-Ranges": "bytes"}
        asked = self.headers.get("Range")
        if asked:
            first, _, last = asked.removeprefix("bytes=").partition("-")
            end = min(int(last), len(body) - 1) if last else len(body) - 1
            headers["Content-Range"] = f"bytes {first}-{end}/{len(body)}"
            self._send(206, body[int(first) : end + 1], headers)
        else:
            self._send(200, body, headers)

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@pytest.fixture
def hub(tmp_path: Path, tiny_job: Job) -> Iterator[str]:
    root = tmp_path / "hub"
    model = root / "models" / "Qwen" / "Tiny"
    model.mkdir(parents=True)
    write_random_model(tiny_job.shape, "fp32", 0, model)
    (model / "tokenizer.json").write_text("{}", encoding="utf-8")
    (model / "pytorch_model.bin").write_bytes(b"a pickle that nobody wants")
    shards = root / "datasets" / "HuggingFaceFW" / "fineweb-edu" / "sample" / "10BT"
    shards.mkdir(parents=True)
    texts = [f"Document {number}. " + "Prose. " * 200 for number in range(400)]
    for number in range(2):
        pq.write_table(pa.table({"text": texts}), shards / f"00{number}_00000.parquet", row_group_size=50)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("TestHub", (Hub,), {"root": root}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def ask(job: Job, cache: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    command = [sys.executable, "-c", CODE, json.dumps(job.as_dict()), str(cache)]
    return subprocess.run(
        command, env={**environment, **variables}, capture_output=True, text=True, timeout=100, check=False
    )


def fetch(hub: str, home: str, code: str) -> None:
    """With the hub's own client, into its cache."""
    get = f"""
import sys
from huggingface_hub import hf_hub_download, snapshot_download as get_all
get = lambda repo, name, kind="model", **more: hf_hub_download(repo, name, repo_type=kind, **more)
commit = sys.argv[1]
{code}
"""
    environment = {**os.environ, "HF_HUB_OFFLINE": "0", "HF_ENDPOINT": hub, "HF_HOME": home}
    subprocess.run([sys.executable, "-c", get, COMMIT], env=environment, check=True, capture_output=True)


def hub_job(job: Job) -> Job:
    values = {**job.as_dict(), "model": "Qwen/Tiny", "model_revision": COMMIT, "dataset_revision": COMMIT}
    return Job.from_dict(values)


def test_model_and_text_come_from_the_hub_at_their_revisions_without_pickles(
    hub: str, tiny_job: Job, tmp_path: Path
) -> None:
    done = ask(hub_job(tiny_job), tmp_path / "cache", HF_ENDPOINT=hub, HF_HOME=str(tmp_path / "home"))
    assert done.returncode == 0, done.stderr
    answers, corpus, documents, model, weights, files = json.loads(done.stdout)
    assert answers is True
    assert corpus == f"HuggingFaceFW/fineweb-edu sample-10BT at {COMMIT}, from the hub"
    assert 0 < documents < 400
    assert model == f"Qwen/Tiny at {COMMIT}, from the hub"
    assert weights == ["model.safetensors"]
    assert "pytorch_model.bin" not in files


def test_a_hub_that_does_not_answer_costs_two_seconds_and_not_a_run(tiny_job: Job, tmp_path: Path) -> None:
    job = Job.from_dict({**tiny_job.as_dict(), "model": "random"})
    done = ask(job, tmp_path / "cache", HF_HUB_OFFLINE="1", HF_HOME=str(tmp_path / "home"))
    assert done.returncode == 0, done.stderr
    answers, corpus, *_ = json.loads(done.stdout)
    assert answers is False
    assert "the hub does not answer" in corpus


def test_a_mirror_that_was_named_must_answer(tiny_job: Job, tmp_path: Path) -> None:
    # A port of the discard service's, on which nothing listens.
    done = ask(tiny_job, tmp_path / "cache", HF_ENDPOINT="http://127.0.0.1:9", HF_HOME=str(tmp_path / "home"))
    assert "HF_ENDPOINT=http://127.0.0.1:9: does not answer" in done.stderr
    assert "set HF_HUB_OFFLINE=1 to do with what is in the caches" in done.stderr


def test_a_mirror_that_takes_its_time_is_waited_for(
    hub: str, tiny_job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = Hub.do_HEAD

    def slowly(hub: Hub) -> None:
        time.sleep(3)
        answer(hub)

    monkeypatch.setattr(Hub, "do_HEAD", slowly)
    done = ask(hub_job(tiny_job), tmp_path / "cache", HF_ENDPOINT=hub, HF_HOME=str(tmp_path / "home"))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[3] == f"Qwen/Tiny at {COMMIT}, from the hub"


def test_what_was_fetched_once_is_found_without_the_hub(hub: str, tiny_job: Job, tmp_path: Path) -> None:
    home = str(tmp_path / "home")
    job = hub_job(tiny_job)
    first = ask(job, tmp_path / "cache", HF_ENDPOINT=hub, HF_HOME=home)
    again = ask(job, tmp_path / "cache", HF_HUB_OFFLINE="1", HF_HOME=home)
    assert json.loads(again.stdout)[1:] == json.loads(first.stdout)[1:]


def test_a_pinned_snapshot_in_the_cache_of_the_hub_s_client_is_used(hub: str, tiny_job: Job, tmp_path: Path) -> None:
    home = str(tmp_path / "home")
    fetch(hub, home, "get_all('Qwen/Tiny', revision=commit)")
    fetch(hub, home, "get('HuggingFaceFW/fineweb-edu', 'sample/10BT/000_00000.parquet', 'dataset', revision=commit)")
    done = ask(hub_job(tiny_job), tmp_path / "cache", HF_HUB_OFFLINE="1", HF_HOME=home)
    assert done.returncode == 0, done.stderr
    answers, corpus, documents, model, weights, _ = json.loads(done.stdout)
    assert (answers, weights) == (False, ["model.safetensors"])
    assert corpus == f"HuggingFaceFW/fineweb-edu sample-10BT at {COMMIT}, from the hub"
    assert documents > 0
    assert (tmp_path / "cache" / "corpora").is_dir()
    assert model == f"Qwen/Tiny at {COMMIT}, from the hub"


def test_a_shard_that_is_not_the_first_is_another_text(hub: str, tiny_job: Job, tmp_path: Path) -> None:
    home = str(tmp_path / "home")
    fetch(hub, home, "get('HuggingFaceFW/fineweb-edu', 'sample/10BT/001_00000.parquet', 'dataset', revision=commit)")
    job = Job.from_dict({**hub_job(tiny_job).as_dict(), "model": "random"})
    done = ask(job, tmp_path / "cache", HF_HUB_OFFLINE="1", HF_HOME=home)
    assert "stand-in" in json.loads(done.stdout)[1]


def test_a_model_in_the_cache_that_may_not_be_compared_is_refused_and_not_replaced(
    hub: str, tiny_job: Job, tmp_path: Path
) -> None:
    home = str(tmp_path / "home")
    fetch(hub, home, "get_all('Qwen/Tiny', revision=commit)")
    (config,) = Path(home).glob("hub/models--Qwen--Tiny/snapshots/*/config.json")
    content = json.loads(config.read_text(encoding="utf-8"))
    config.unlink()
    config.write_text(json.dumps({**content, "attention_bias": True}), encoding="utf-8")
    done = ask(hub_job(tiny_job), tmp_path / "cache", HF_HUB_OFFLINE="1", HF_HOME=home)
    assert "attention_bias = true: may change the model" in done.stderr


@pytest.mark.parametrize("endpoint", ["http://localhost:abc", "nonsense", "http://[::1"])
def test_a_mirror_s_name_that_cannot_be_one_is_told_at_once(tiny_job: Job, tmp_path: Path, endpoint: str) -> None:
    began = time.monotonic()
    done = ask(tiny_job, tmp_path / "cache", HF_ENDPOINT=endpoint, HF_HOME=str(tmp_path / "home"))
    problem = "is no address" if "[" in endpoint else "does not answer"
    assert f"ModelError: HF_ENDPOINT={endpoint}: {problem} (" in done.stderr
    assert "Exception in thread" not in done.stderr
    assert time.monotonic() - began < 15


def test_doctor_names_a_dead_mirror_among_its_findings(tmp_path: Path) -> None:
    done = harness("doctor", folder=tmp_path, HF_HUB_OFFLINE="", HF_ENDPOINT="http://127.0.0.1:9", COLUMNS="300")
    assert done.returncode == 1
    assert "HF_ENDPOINT=http://127.0.0.1:9: does not answer" in done.stdout
    assert "free disk" in done.stdout


def test_half_a_snapshot_is_none(hub: str, tiny_job: Job, tmp_path: Path) -> None:
    home = str(tmp_path / "home")
    fetch(hub, home, "get('Qwen/Tiny', 'config.json', revision=commit)")
    done = ask(hub_job(tiny_job), tmp_path / "cache", HF_HUB_OFFLINE="1", HF_HOME=home)
    assert "random weights" in json.loads(done.stdout)[3]
