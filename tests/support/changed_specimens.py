"""Hands with one thing changed, for the checks."""

import copy
from dataclasses import replace

from musclehand.body.anatomy import Side
from musclehand.body.hand_index import HandIndex
from musclehand.body.naming import own_naming
from musclehand.validation.check import Specimen


def changed(specimen, change):
    """The same hand in a copy of its model that `change` has been at."""
    model = copy.copy(specimen.model)
    change(model)
    return replace(specimen, model=model)


def specimen_of(spec, naming=None):
    """The right hand of a spec."""
    model = spec.compile()
    naming = naming or own_naming()
    return Specimen("changed", model, HandIndex.from_model(model, Side.RIGHT, naming), naming, spec)


def make_muscle(actuator, *, force, lengthrange):
    """Makes an actuator a muscle with MuJoCo's own constants."""
    actuator.set_to_muscle(
        timeconst=[0.01, 0.04],
        tausmooth=0,
        range=[0.75, 1.05],
        force=force,
        scale=1,
        lmin=0.5,
        lmax=1.6,
        vmax=1.5,
        fpmax=1.3,
        fvmax=1.2,
    )
    actuator.lengthrange = lengthrange
