"""Figures of a recorded run, each a Vega-Lite specification: Markdown gets them as SVG, HTML as they are."""
