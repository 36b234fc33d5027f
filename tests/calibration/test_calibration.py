"""The calibration of docs/statistics.md at a small size: wide bounds, since few experiments say little."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from harness.analysis.significance import Comparison, compare, compare_apart
from harness.files.locations import SOURCE_ROOT
from harness.job.experiment import SMALLEST_EFFECT
from tests.calibration import candidates
from tests.calibration.disturbances import DISTURBANCES, Size
from tests.calibration.experiments import calibrate, calibrate_adaptive, calibrate_candidate
from tests.calibration.noise import GPU_LIKE, NoiseModel, fitted

REFERENCE = SOURCE_ROOT / "results" / "reference-cpu"
EXPERIMENTS = 200


@pytest.mark.parametrize(
    "repeats", [3, pytest.param(5, marks=pytest.mark.slow), pytest.param(8, marks=pytest.mark.slow)]
)
def test_intervals_cover_and_equal_frameworks_raise_no_alarm_on_the_recorded_noise(repeats: int) -> None:
    rates = calibrate(fitted(REFERENCE), repeats, EXPERIMENTS)
    # Three standard errors of a share of 95% over 200 experiments are 4.6 points.
    assert 0.90 <= rates.median_coverage <= 1.0
    assert 0.90 <= rates.ratio_coverage <= 1.0
    assert rates.false_alarms <= 0.08


def test_five_per_cent_are_found_with_five_processes_on_gpu_like_noise() -> None:
    rates = calibrate(GPU_LIKE, 5, EXPERIMENTS)
    assert rates.found >= 0.85
    assert rates.false_alarms <= 0.08


@pytest.mark.parametrize("disturbance", DISTURBANCES)
def test_whatever_disturbs_the_processes_the_errors_stay_as_promised(disturbance: str) -> None:
    for rounds in (3, 5, 8, 12):
        for deviation in (0.002, 0.01, 0.05):
            rates = calibrate_candidate("t on the rounds' ratios", disturbance, rounds, deviation, 4000)
            # Three standard errors of a share of 5% over 4,000 runs are one point.
            assert rates.false_alarms <= 0.06
            assert rates.coverage >= 0.93


def test_what_a_round_does_to_everyone_hides_no_difference() -> None:
    for disturbance in ("round effect of 5 sd", "drift of 6 sd", "persistent (AR 0.8)", "two machines, 5 sd"):
        assert calibrate_candidate("t on the rounds' ratios", disturbance, 5, 0.01, 2000).found >= 0.9
        assert calibrate_candidate("ranks over all", disturbance, 5, 0.01, 2000).found <= (
            1.0 if disturbance.startswith("persistent") else 0.5
        )


@pytest.mark.parametrize("rounds", [3, 5, 8])
def test_the_simulated_test_is_the_one_that_reports_use(rounds: int) -> None:
    size = Size(runs=20, rounds=rounds, frameworks=5)
    logs = 0.01 * DISTURBANCES["heavy tails (t, 3 degrees)"](size, np.random.default_rng(1))
    logs[:10, :, 1] += 0.05
    paired, apart = candidates.paired_t(logs), candidates.welch(logs)
    for run, rates in enumerate(np.exp(logs)):
        sides = {index: dict(enumerate(rates[:, index])) for index in range(5)}
        baseline = sides.pop(0)
        assert_same(compare(sides, baseline, SMALLEST_EFFECT), paired, run)
        values = {index: (list(rounds.values()), list(baseline.values())) for index, rounds in sides.items()}
        assert_same(compare_apart(values, SMALLEST_EFFECT), apart, run)


def assert_same(compared: dict[int, Comparison], results: candidates.Tested, run: int) -> None:
    """The words and the ratios are those of the simulation."""
    word = {1.0: "more", -1.0: "less"}
    for index, comparison in compared.items():
        due = candidates.shown(results)[run, index - 1]
        assert comparison.word == word.get(due, comparison.word)
        assert (comparison.word in word.values()) == bool(due)
        assert np.log(comparison.ratio.value) == pytest.approx(results.log_ratio[run, index - 1], abs=1e-12)
        assert comparison.ratio.high is not None
        reach = np.log(comparison.ratio.high / comparison.ratio.value)
        assert reach == pytest.approx(results.reach[run, index - 1], rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("trend", [0.0, 0.002])
def test_a_run_until_its_ratios_are_narrow_is_right_also_on_a_machine_that_becomes_slower(trend: float) -> None:
    rule = calibrate_adaptive(GPU_LIKE, 0.05, EXPERIMENTS // 2, trend=trend)
    assert rule.coverage >= 0.88
    assert rule.false_alarms <= 0.10
    assert rule.processes < rule.fixed_processes


def test_the_noise_model_is_found_again_in_what_it_made(tmp_path: Path) -> None:
    model = NoiseModel(between=0.05, within=0.02, drift=0.04, outlier_share=0.0, outlier_factor=1.0)
    rng = np.random.default_rng(3)
    speeds = dict.fromkeys(("transformers", "unsloth", "axolotl", "torchtune", "llamafactory"), 100.0)
    write_run(tmp_path, model, speeds, rounds=40, steps=20, rng=rng)
    found = fitted(tmp_path)
    assert found.between == pytest.approx(0.05, rel=0.2)
    assert found.within == pytest.approx(0.02, rel=0.1)
    assert found.drift == pytest.approx(0.04, rel=0.4)


def write_run(
    place: Path, model: NoiseModel, speeds: dict[str, float], *, rounds: int, steps: int, rng: np.random.Generator
) -> None:
    """A recorded run whose steps the model made."""
    for repeat, drift in enumerate(model.drift * rng.standard_normal(rounds), start=1):
        for name in speeds:
            level = drift + model.between * rng.standard_normal()
            cell = place / "cells" / f"{name}-{repeat}"
            cell.mkdir(parents=True)
            record: dict[str, object] = {"cell": cell.name, "framework": name, "method": "lora", "track": "parity"}
            record |= {"repeat": repeat, "outcome": "ok"}
            (cell / "cell.json").write_text(json.dumps(record), encoding="utf-8")
            durations = np.exp(level + model.within * rng.standard_normal(steps))
            lines = [json.dumps({"seconds": float(seconds), "warmup": False}) for seconds in durations]
            (cell / "steps.jsonl").write_text("\n".join(lines), encoding="utf-8")
