"""Analyses of any hand model: moment arms, strength, behaviour, published references."""
