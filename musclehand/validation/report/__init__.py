"""Findings as JSON, as a self-contained HTML page with figures, and as text."""
