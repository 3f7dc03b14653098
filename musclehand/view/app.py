"""The viewer's page: bones and tendons in 3D, sliders, moment arms and the list of muscles.

It is built with viser (https://viser.studio), which serves the page and calls back when a user
moves a slider.
"""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from typing import Any

import mujoco
import numpy as np

from musclehand.body.anatomy import DIGITS, digit_joints, directions
from musclehand.core.errors import MusclehandError
from musclehand.core.geom_shape import geom_shape
from musclehand.validation.check import Specimen
from musclehand.validation.difference.bodies import hand_bones
from musclehand.validation.wording import describe_joint, describe_muscle, neutral_frame
from musclehand.view.serve import HOST, check_port
from musclehand.view.state import POSTURES, HandState

PICTURE_GROUPS = 3
"""Geoms of lower groups are drawn, as in MuJoCo's viewers."""

TENDON_WIDTH = 0.0014
"""Width of a tendon [m]."""

SKIN_OPACITY = 0.12
"""Largest opacity of transparent geoms, which must not hide the tendons."""

SLIDERS_PER_SECOND = 5.0
"""Rate at which sliders follow a simulated hand [Hz]."""

_STEP_DEG = 0.5
"""Step of the joints' sliders [deg]."""


class HandPage:
    """A page with one hand; it is served from construction until `stop`.

    Handlers of the page's controls are methods, so that they can be called without a browser.
    """

    state: HandState
    """The hand that is shown."""

    simulated: bool
    """Whether the muscles move the hand."""

    def __init__(self, specimen: Specimen, *, port: int) -> None:
        """Starts to serve.

        Args:
            specimen: the hand.
            port: 0 to 65535; 0 for any free port.

        Raises:
            InvalidValue: the port is taken, or not legal.
            MusclehandError: viser is not installed.
        """
        check_port(port)
        try:
            import viser
        except ImportError as error:
            raise MusclehandError(
                "view needs viser; get it with: pip install 'musclehand[view]'"
            ) from error
        self.state = HandState(specimen)
        self.simulated = False
        self._shown: dict[str, float] = {}
        self._since_sliders = 0.0
        with redirect_stdout(io.StringIO()):
            # The greeting of the server is dropped.
            label = f"musclehand: {specimen.source}"
            self._server = viser.ViserServer(host=HOST, port=port, label=label, verbose=False)
        self._server.gui.configure_theme(
            dark_mode=True, show_logo=False, show_share_button=False, control_width="large"
        )
        self._build_scene(specimen)
        self._build_controls()
        self.show()

    @property
    def url(self) -> str:
        """Address of the page."""
        return f"http://{HOST}:{self._server.get_port()}"

    def stop(self) -> None:
        """Stops serving."""
        with redirect_stdout(io.StringIO()):
            self._server.stop()

    def on_joint(self, joint: str, degrees: float) -> None:
        """A joint's slider was moved."""
        if abs(degrees - self._shown.get(joint, np.inf)) < 1e-9:
            # The page itself has set the slider.
            return
        self.state.set_joint(joint, float(np.deg2rad(degrees)))
        self.show()

    def on_posture(self, name: str) -> None:
        """A posture's button was pressed."""
        self.state.set_posture(name)
        self.show()

    def on_skin(self, visible: bool) -> None:
        """The box for transparent geoms was ticked or not."""
        for mesh in self._skin:
            mesh.visible = visible

    def on_excitation(self, muscle: str, value: float) -> None:
        """A muscle's slider was moved."""
        self.state.set_excitation(muscle, value, simulated=self.simulated)
        self.draw()

    def on_simulate(self, simulated: bool) -> None:
        """The simulation was turned on or off; when off, the hand keeps its posture."""
        self.simulated = simulated
        self.state.set_angles(self.state.angles)
        self._status.content = "simulated" if simulated else ""
        self.show()

    def on_silence(self) -> None:
        """The button that sets all excitations to 0 was pressed."""
        for muscle, slider in self._muscle_sliders.items():
            slider.value = 0.0
            self.state.set_excitation(muscle, 0.0, simulated=self.simulated)
        self.draw()

    def on_arms(self) -> None:
        """Another muscle or joint was chosen for the moment arms."""
        muscle = self._muscle.value
        joint = self._joints_by_words[self._joint.value]
        lines = [
            f"**{describe_muscle(muscle)}**, in this posture",
            "",
            "| joint | arm [mm] | drives it to |",
            "|---|---:|---|",
        ]
        for name, arm in self.state.arm_table(muscle):
            direction = directions(name)[0 if arm > 0 else 1]
            lines.append(f"| {describe_joint(name)} | {1e3 * abs(arm):.1f} | {direction} |")
        self._arm_table.content = "\n".join(lines)
        curve = self.state.arm_curve(muscle, joint)
        self._arm_plot.data = (np.degrees(curve.angles), 1e3 * curve.arms)
        positive = directions(joint)[0]
        axis = f"{self._joint.value} [deg, {positive} positive]"
        self._arm_words.content = f"Arm [mm], positive for {positive}, over {axis}"

    def advance(self, seconds: float) -> None:
        """Simulates and shows the hand, if simulation is on.

        Args:
            seconds: simulated time [s].
        """
        if not self.simulated:
            return
        if not self.state.advance(seconds):
            self.simulated = False
            self._simulate.value = False
            self._status.content = "the simulation became unstable; the hand is back at rest"
        self._since_sliders += seconds
        if self._since_sliders * SLIDERS_PER_SECOND >= 1.0 or not self.simulated:
            self._since_sliders = 0.0
            self.show()
        else:
            self.draw()

    def draw(self) -> None:
        """Updates bones and tendons."""
        lines = self.state.tendon_lines()
        positions, turns = self.state.body_poses(self._bodies)
        with self._server.atomic():
            self._tendons.points = lines.points
            self._tendons.colors = lines.colours
            for frame, position, turn in zip(self._frames, positions, turns, strict=True):
                frame.position = position
                frame.wxyz = turn

    def show(self) -> None:
        """Updates bones, tendons, sliders and moment arms."""
        angles = dict(zip(self.state.hand.joints, np.degrees(self.state.angles), strict=True))
        for joint, slider in self._joint_sliders.items():
            step = round(angles[joint] / _STEP_DEG) * _STEP_DEG
            value = float(np.clip(step, slider.min, slider.max))
            self._shown[joint] = value
            slider.value = value
        self.draw()
        self.on_arms()

    def _build_scene(self, specimen: Specimen) -> None:
        model = specimen.model
        scene = self._server.scene
        self._skin: list[Any] = []
        self._bodies = list(hand_bones(specimen).values())
        self._frames = [scene.add_frame(f"/hand/{body}", show_axes=False) for body in self._bodies]
        for body in self._bodies:
            first = int(model.body_geomadr[body])
            for geom in range(first, first + int(model.body_geomnum[body])):
                if model.geom_group[geom] < PICTURE_GROUPS:
                    self._add_geom(model, body, geom)
        lines = self.state.tendon_lines()
        self._tendons = scene.add_line_segments(
            "/tendons", lines.points, lines.colours, thickness=TENDON_WIDTH
        )
        frame = neutral_frame(specimen)
        radial, proximal, dorsal = frame.axes
        target = frame.origin - 0.06 * proximal
        scene.set_up_direction(tuple(-proximal))
        camera = self._server.initial_camera
        camera.position = tuple(target + 0.24 * dorsal + 0.13 * radial - 0.06 * proximal)
        camera.look_at = tuple(target)
        camera.up = tuple(-proximal)

    def _add_geom(self, model: mujoco.MjModel, body: int, geom: int) -> None:
        shape = geom_shape(model, geom)
        rgba = model.geom_rgba[geom]
        if model.geom_matid[geom] >= 0:
            rgba = model.mat_rgba[model.geom_matid[geom]]
        if shape is None or not rgba[3]:
            return
        transparent = rgba[3] < 1.0
        mesh = self._server.scene.add_mesh_simple(
            f"/hand/{body}/{geom}",
            shape.vertices,
            shape.faces,
            color=(255 * rgba[:3]).astype(np.uint8),
            opacity=min(float(rgba[3]), SKIN_OPACITY) if transparent else None,
            flat_shading=False,
            position=model.geom_pos[geom],
            wxyz=model.geom_quat[geom],
        )
        if transparent:
            self._skin.append(mesh)

    def _build_controls(self) -> None:
        gui = self._server.gui
        tabs = gui.add_tab_group()
        with tabs.add_tab("Joints"):
            self._build_joints(gui)
        with tabs.add_tab("Muscles"):
            self._build_muscles(gui)
        with tabs.add_tab("Moment arms"):
            self._build_arms(gui)
        with tabs.add_tab("List"):
            lines = ["| | muscle | F0 [N] | L0 [mm] |", "|---|---|---:|---:|"]
            lines += [
                f"| {fact.muscle} | {fact.name} | {fact.f0:.1f} | {1e3 * fact.l0:.1f} |"
                for fact in self.state.muscles()
            ]
            gui.add_markdown("\n".join(lines))

    def _build_joints(self, gui: Any) -> None:
        buttons = gui.add_button_group("posture", tuple(POSTURES))
        buttons.on_click(lambda event: self.on_posture(event.target.value))
        gui.add_checkbox("skin", True).on_update(lambda event: self.on_skin(event.target.value))
        hand = self.state.hand
        free = [hand.joints[i] for i in hand.independent]
        self._joint_sliders: dict[str, Any] = {}
        for digit in ("wrist", *DIGITS):
            with gui.add_folder(digit):
                for joint in (joint for joint in digit_joints(digit) if joint in free):
                    self._joint_sliders[joint] = self._joint_slider(gui, joint)

    def _joint_slider(self, gui: Any, joint: str) -> Any:
        low, high = np.degrees(self.state.limits[self.state.hand.joints.index(joint)]).round(1)
        slider = gui.add_slider(
            describe_joint(joint),
            min=float(low),
            max=float(high),
            step=_STEP_DEG,
            initial_value=float(np.clip(0.0, low, high)),
            hint=f"[deg] {directions(joint)[0]} positive, {directions(joint)[1]} negative",
        )
        slider.on_update(lambda event: self.on_joint(joint, event.target.value))
        return slider

    def _build_muscles(self, gui: Any) -> None:
        self._simulate = gui.add_checkbox("simulate", False, hint="move the hand with its muscles")
        self._simulate.on_update(lambda event: self.on_simulate(event.target.value))
        self._status = gui.add_markdown("")
        gui.add_button("let all muscles go").on_click(lambda event: self.on_silence())
        self._muscle_sliders: dict[str, Any] = {}
        facts = self.state.muscles()
        for group in dict.fromkeys(fact.group for fact in facts):
            with gui.add_folder(group):
                for fact in (fact for fact in facts if fact.group == group):
                    self._muscle_sliders[fact.muscle] = self._muscle_slider(
                        gui, fact.muscle, fact.name
                    )

    def _muscle_slider(self, gui: Any, muscle: str, name: str) -> Any:
        slider = gui.add_slider(
            muscle, min=0.0, max=1.0, step=0.01, initial_value=0.0, hint=f"excitation of {name}"
        )
        slider.on_update(lambda event: self.on_excitation(muscle, event.target.value))
        return slider

    def _build_arms(self, gui: Any) -> None:
        from viser import uplot

        self._joints_by_words = {describe_joint(joint): joint for joint in self.state.hand.joints}
        self._muscle = gui.add_dropdown("muscle", tuple(self.state.hand.muscle_names))
        self._joint = gui.add_dropdown("joint", tuple(self._joints_by_words))
        for choice in (self._muscle, self._joint):
            choice.on_update(lambda event: self.on_arms())
        self._arm_table = gui.add_markdown("")
        self._arm_words = gui.add_markdown("")
        lines = (uplot.Series(label="angle"), uplot.Series(label="arm", stroke="#0072B2", width=2))
        scales = {"x": uplot.Scale(time=False, auto=True)}
        empty = np.zeros(1)
        self._arm_plot = gui.add_uplot((empty, empty), lines, scales=scales, aspect=1.6)
