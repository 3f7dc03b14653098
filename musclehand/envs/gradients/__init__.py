"""Analytic gradients of a control step: soft constraints, step Jacobians, adjoints."""
