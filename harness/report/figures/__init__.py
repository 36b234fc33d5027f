"""Figures of a recorded run, each a Vega-Lite specification. Markdown shows them as SVG, HTML shows them live."""
