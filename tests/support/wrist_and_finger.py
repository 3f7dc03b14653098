"""A wrist and an index knuckle with muscles of constant arms, whose strength and passive torque are
known in closed form."""

import mujoco

from musclehand.body.anatomy import Side
from musclehand.body.hand_index import HandIndex
from musclehand.body.naming import own_naming
from musclehand.validation.check import Specimen


def wrist_and_finger(
    muscles, *, wrist_spring=0.0, knuckle_spring=0.0, link=None, wrist="flexion", finger=2
):
    """Wrist and knuckle with fixed tendons as paths, at their optimum in every posture.

    Args:
        muscles: by name, peak force [N], arm at the wrist and arm at the knuckle [m].
        wrist_spring: its stiffness [N m/rad].
        knuckle_spring: its stiffness [N m/rad]; its spring rests at 0.6 rad.
        link: stiffness [N/m] of a tendon spring with arms of 10 and 5 mm, or None.
        wrist: name of the wrist joint.
        finger: number of the finger.
    """
    constants = (
        'range="0.999 1.001" lengthrange="-1 1" lmin="0.1" lmax="1.9" vmax="1e6" fpmax="1e-9"'
    )
    paths = "".join(
        f'<fixed name="{name}"><joint joint="{wrist}_r" coef="{-at_wrist}"/>'
        f'<joint joint="mcp{finger}_flexion_r" coef="{-at_knuckle}"/></fixed>'
        for name, (_, at_wrist, at_knuckle) in muscles.items()
    )
    actuators = "".join(
        f'<muscle name="{name}_r" tendon="{name}" force="{force}" {constants}/>'
        for name, (force, _, _) in muscles.items()
    )
    if link is not None:
        paths += (
            f'<fixed name="link" stiffness="{link}" springlength="0 0">'
            f'<joint joint="{wrist}_r" coef="0.010"/>'
            f'<joint joint="mcp{finger}_flexion_r" coef="0.005"/></fixed>'
        )
    digit = ("index", "middle", "ring", "little")[finger - 2]
    model = mujoco.MjModel.from_xml_string(
        f"""<mujoco><compiler angle="radian"/><option gravity="0 0 0"/><worldbody><body>
        <joint name="{wrist}_r" axis="0 0 1" limited="true" range="-1.6 1.6"
          stiffness="{wrist_spring}"/><geom size=".01"/>
        <body pos=".08 0 0"><joint name="mcp{finger}_flexion_r" axis="0 0 1" limited="true"
          range="-0.5 1.5" stiffness="{knuckle_spring}" springref="0.6"/><geom size=".005"/>
        <site name="tip_{digit}_r" pos=".08 0 0"/></body></body></worldbody>
        <tendon>{paths}</tendon><actuator>{actuators}</actuator></mujoco>"""
    )
    return Specimen("wrist", model, HandIndex.from_model(model, Side.RIGHT), own_naming())
