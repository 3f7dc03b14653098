"""Findings written down: JSON, and one HTML page with figures."""
