"""How a report looks: as Markdown, and as one HTML page."""
