"""`harness matrix`: stars from evidence, and a recommendation for each kind of user."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.runs import checked, run_named
from harness.cli.shared_options import RunArgument


def matrix(
    run_name: RunArgument = None,
    rubric: Annotated[
        Path | None, typer.Option("--rubric", help="A file with the rule; by default recipes/rubric.yaml.")
    ] = None,
    price_per_hour: Annotated[
        float | None, typer.Option("--price-per-hour", min=0.0, help="Of the machine; else recipes/prices.yaml's.")
    ] = None,
    currency: Annotated[str, typer.Option("--currency", help="Of the price, as reports show it.")] = "USD",
) -> None:
    """Rate the frameworks by a published rule over what was measured, and recommend an order for each kind of user.

    A criterion without evidence shows "not measured". Searches and probes that `harness probe --output RUN` put into
    the run's folder count too.

    Example: python -m harness matrix results/my-run --price-per-hour 2.5
    """
    from harness.cli.screens.blocks import print_blocks
    from harness.cli.screens.console import open_console
    from harness.report.parts.studies import rated, recommendations, star_evidence, star_matrix
    from harness.studies.rubric.prices import Price, price_of
    from harness.studies.rubric.rules import RUBRIC, read_rubric

    rule = read_rubric(rubric or RUBRIC)
    run = checked(run_named(run_name))
    if price_per_hour is None:
        price = price_of(run.record.host.gpu)
    else:
        price = Price(per_hour=price_per_hour, currency=currency, source="as given on the command line")
    found = rated(run, rule)
    console = open_console()
    for blocks in (star_matrix(found), recommendations(found, price), star_evidence(found)):
        print_blocks(console, blocks, details=True)
