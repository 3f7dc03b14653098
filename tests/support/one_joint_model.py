"""A model of one joint with two muscles, whose behaviour is known in closed form."""

import mujoco
import numpy as np

from musclehand.body.anatomy import Side
from musclehand.body.hand_index import HandIndex

ARM = 0.01
FORCE = 10.0


def one_joint(*, armature=1e-3, damping=0.0, stiffness=0.0, springref=0.0, limits="", dt=0.001):
    """One knuckle with a flexor and an extensor of constant arm, whose force hardly depends on
    length and speed.

    The range of normalised lengths is so narrow that both muscles stay at their optimum; they give
    none to speak of when stretched.
    """
    muscle = f'range="0.999 1.001" lengthrange="-1 1" force="{FORCE}" lmin="0.1" lmax="1.9" vmax="1e6" fpmax="1e-9"'
    xml = f"""
    <mujoco>
      <compiler angle="radian" autolimits="true"/>
      <option timestep="{dt}" gravity="0 0 -9.81"/>
      <worldbody>
        <body>
          <joint name="knuckle" axis="0 1 0" damping="{damping}" stiffness="{stiffness}" springref="{springref}"
                 armature="{armature}" {limits} solimplimit="0.9 0.9 0.001"/>
          <geom size="0.001" mass="1e-6"/>
        </body>
      </worldbody>
      <tendon>
        <fixed name="flexor"><joint joint="knuckle" coef="-{ARM}"/></fixed>
        <fixed name="extensor"><joint joint="knuckle" coef="{ARM}"/></fixed>
      </tendon>
      <actuator>
        <muscle name="flexor" tendon="flexor" timeconst="0.002 0.002" {muscle}/>
        <muscle name="extensor" tendon="extensor" timeconst="0.002 0.002" {muscle}/>
      </actuator>
    </mujoco>"""
    model = mujoco.MjModel.from_xml_string(xml)
    whole = np.array([0])
    hand = HandIndex(
        side=Side.RIGHT,
        joints=("mcp2_flexion",),
        muscle_names=("flexor", "extensor"),
        dofs=whole,
        qpos=whole,
        signs=np.ones(1),
        muscles=np.array([0, 1]),
        act=np.array([0, 1]),
        tendons=np.array([0, 1]),
        tips=np.zeros(5, dtype=int),
        expand=np.eye(1),
        independent=whole,
    )
    return model, hand
