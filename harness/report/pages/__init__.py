"""The look of a report: Markdown, and one HTML page."""
