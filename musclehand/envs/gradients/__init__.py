"""Derivatives of a control step of muscle-driven hands, for analytic policy gradients."""
