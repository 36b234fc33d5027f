from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.environment import uv
from harness.environment.uv import parse_pip_config, uv_environment


def test_a_variable_wins_over_install_and_that_over_global() -> None:
    listing = (
        ":env:.index-url='https://mine.example/simple'\n"
        "global.index-url='https://global.example/simple'\n"
        "install.find-links='\\n/a\\n/b'\n"
        "global.find-links='/c'\n"
        "download.cert='/never'\n"
        "nonsense\n"
    )
    assert parse_pip_config(listing) == {"index-url": "https://mine.example/simple", "find-links": "/a /b"}


@pytest.fixture
def pip_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """pip's real config file, in a place of the test's own, read by the real pip."""
    config = tmp_path / "pip.conf"
    config.write_text("[global]\nindex-url = https://mine.example/simple\nextra-index-url = https://b.example\n")
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_")) or "proxy" in name.lower()]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
    uv.pip_settings.cache_clear()
    yield
    uv.pip_settings.cache_clear()


@pytest.mark.usefixtures("pip_says")
def test_pips_settings_reach_uv_where_its_own_say_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", "/wheels /more")
    environment = uv_environment({"HOME": "/nobody"})
    assert environment["UV_DEFAULT_INDEX"] == "https://mine.example/simple"
    assert environment["UV_INDEX"] == "https://b.example"
    assert environment["UV_FIND_LINKS"] == "/wheels,/more"
    assert environment["UV_INDEX_STRATEGY"] == "unsafe-best-match"


@pytest.mark.parametrize(
    ("setting", "value", "variable", "expected"),
    [
        ("PIP_CONSTRAINT", "/a.txt /b.txt", "UV_CONSTRAINT", "/a.txt /b.txt"),
        ("PIP_BUILD_CONSTRAINT", "/c.txt", "UV_BUILD_CONSTRAINT", "/c.txt"),
        ("PIP_PROXY", "http://proxy.example:3128", "ALL_PROXY", "http://proxy.example:3128"),
        ("PIP_TRUSTED_HOST", "a.example b.example", "UV_INSECURE_HOST", "a.example b.example"),
        ("PIP_CLIENT_CERT", "/me.pem", "SSL_CLIENT_CERT", "/me.pem"),
        ("PIP_TIMEOUT", "90", "UV_HTTP_TIMEOUT", "90"),
    ],
)
@pytest.mark.usefixtures("pip_says")
def test_what_pip_is_told_is_told_to_uv(
    monkeypatch: pytest.MonkeyPatch, setting: str, value: str, variable: str, expected: str
) -> None:
    monkeypatch.setenv(setting, value)
    assert uv_environment({})[variable] == expected


@pytest.mark.usefixtures("pip_says")
def test_without_an_index_for_pip_uv_asks_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    command = [*uv.uv_pip("install"), "--target", str(tmp_path), "six"]
    done = subprocess.run(command, env=uv_environment(), capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "mine.example" not in done.stderr
    monkeypatch.setenv("PIP_NO_INDEX", "0")
    uv.pip_settings.cache_clear()
    assert "--no-index" not in uv.uv_pip("install")


@pytest.mark.usefixtures("pip_says")
def test_what_is_not_passed_on_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_BINARY", ":all:")
    monkeypatch.setenv("PIP_PRE", "1")
    monkeypatch.setenv("PIP_QUIET", "1")
    monkeypatch.setenv("PIP_CONSTRAINT", "/a.txt")
    assert uv.settings_left_out() == ["no-binary", "pre"]


@pytest.mark.usefixtures("pip_says")
def test_uvs_own_settings_win() -> None:
    environment = uv_environment({"UV_INDEX_URL": "https://uv.example", "UV_FIND_LINKS": "/uv"})
    assert "UV_DEFAULT_INDEX" not in environment
    assert environment["UV_FIND_LINKS"] == "/uv"


def test_without_uv_the_message_says_how_to_get_it(tmp_path: Path) -> None:
    """In a Python that sees this project and nothing else."""
    root = Path(uv.__file__).parents[2]
    code = "from harness.environment.uv import uv_command\ntry: uv_command()\nexcept Exception as e: print(e)"
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path.append({str(root)!r})\n{code}"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "python -m pip install uv" in done.stdout
