"""Loss figures mean something only where weights were trained, and a framework must learn as much as the reference."""

from __future__ import annotations

from harness.studies.deploy.ease import ease_of
from harness.studies.deploy.learned import as_much_as, has_learned, learned_as_much
from tests.studies.deploy.records import record_of


def test_random_weights_count_as_trained_only_after_a_nat() -> None:
    assert not has_learned(record_of(losses=(12.0, 11.5)))
    assert has_learned(record_of(losses=(12.0, 10.9)))
    assert has_learned(record_of(losses=(3.1, 3.0), source="Qwen/Qwen3-0.6B at main, from the hub"))


def test_a_framework_that_learned_less_is_told() -> None:
    reference = record_of("reference", losses=(12.0, 11.0))
    assert learned_as_much(record_of(losses=(12.0, 11.01)), reference)
    assert not learned_as_much(record_of(losses=(12.0, 11.03)), reference)
    assert as_much_as(record_of(losses=(12.0, 11.5)), reference) == "less than the reference (+0.5000)"
    assert as_much_as(record_of(losses=(12.0, 10.5)), reference) == "more than the reference (-0.5000)"
    assert learned_as_much(record_of(), None) is None


def test_what_an_export_holds_counts_before_how_it_was_made() -> None:
    assert ease_of(record_of()) == "as trained"
    assert ease_of(record_of(workaround="by hand")) == "with a workaround"
    assert ease_of(record_of(workaround="by hand", fault="2e-1 apart")) == "not as trained"
    assert ease_of(record_of().model_copy(update={"export": None, "stopped": "crashed"})) == "failed"
