"""Print the matrix, the recommendations and the projection."""

from __future__ import annotations

from rich.console import Console

from harness.cli.screens.console import plain, say
from harness.cli.screens.tables import text_table
from harness.records.checked_run import read_checked
from harness.records.run_folder import RunFolder
from harness.report.content import stars
from harness.studies.rubric.facts import gather_facts
from harness.studies.rubric.prices import Price, price_of
from harness.studies.rubric.projection import project
from harness.studies.rubric.rating import rate
from harness.studies.rubric.recommend import recommend
from harness.studies.rubric.rules import Rubric


def print_matrix(console: Console, folder: RunFolder, rubric: Rubric, price: Price | None) -> None:
    """Print the order for each kind of user, then the stars and their evidence, then the projection.

    `price` replaces that of the table.
    """
    checked = read_checked(folder)
    run = checked.record
    ratings = rate(rubric, gather_facts(checked))
    found = recommend(rubric, ratings)
    on = run.host.device_name
    say(console, plain(stars.old_recommendation(rubric, found, on)))
    console.print(text_table(stars.RECOMMENDATION_HEADINGS, stars.recommendation_rows(rubric, found)))
    console.print(text_table(stars.MATRIX_HEADINGS, stars.matrix_rows(rubric, ratings)))
    say(console, plain(stars.rule_text(rubric)), style="dim")
    console.print(text_table(stars.MEASURE_HEADINGS, stars.measure_rows(rubric, ratings)))
    for line in stars.differences(rubric, ratings):
        say(console, plain(f"- {line}"))
    jobs = run.experiment.jobs
    price = price or price_of(run.host.gpu)
    projected = project(checked.cells, "qlora", price)
    if projected:
        say(console, plain(stars.projection_text(run, jobs["qlora"], price)))
        rows = stars.projection_rows(projected, run, jobs["qlora"], price)
        console.print(text_table(stars.PROJECTION_HEADINGS, rows))
