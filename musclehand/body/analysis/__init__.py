"""Analyses of any hand model: moment arms, strength, behaviour, passive torques, published
references."""
