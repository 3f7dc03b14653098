"""Our hand written as one MJCF file that MuJoCo, its viewer and MyoSuite open, and that people can
edit.

MuJoCo writes a spec with six significant digits, which puts tendon paths off by at most a
micrometre. Muscles are then put into words: what MuJoCo writes as <general> with ten nameless
numbers becomes <muscle> with its peak force under `force`, and what all muscles share goes into a
class of defaults.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

import mujoco
import numpy as np

import musclehand
from musclehand.body.anatomy import DIP_PER_PIP, Side, coupled_joint
from musclehand.body.build.hand import add_hands
from musclehand.body.build.tables import HandTables
from musclehand.core.atomic import write_file
from musclehand.core.errors import OutputError
from musclehand.core.mujoco_warnings import silence_mujoco
from musclehand.core.time_steps import SIM_DT

HALF_DISTANCE = 0.2
"""Of two elbows from the middle [m]."""

REST = "rest"
"""Name of the keyframe with the hands at ease."""

ASSETS = "assets"
"""Folder for bone meshes, beside the file."""

_PALM_DOWN = {Side.RIGHT: [0.0, 0.0, 0.0, 1.0], Side.LEFT: [0.0, 1.0, 0.0, 0.0]}
"""Turns fingers, along -y at a hand's root, to +y, and the back of the hand up (quaternions)."""

_SHAPE = ("scale", "lmin", "lmax", "vmax", "fpmax", "fvmax")
_NAMELESS = ("dyntype", "dynprm", "gaintype", "gainprm", "biastype", "biasprm")
_CLASS = "muscle"

_HEADER = """
  {title}, written by musclehand {version}.

  Units: m, kg, s, N, rad. Names are anatomical and end in _r or _l for the hand; the keyframe is the hand at ease.
  A muscle is an element of <actuator>: `force` is its peak isometric force along the tendon [N], `lengthrange` and
  `range` say where its path is shortest and longest, in m and in optimal fibre lengths: the optimal fibre length
  is (lengthrange[1] - lengthrange[0]) / (range[1] - range[0]), the tendon slack length lengthrange[0] - range[0] times
  that. Its path is the <spatial> tendon of its name; the sites along it stand in the bodies, so that moving a site
  moves an origin, insertion or pulley. After editing:

    musclehand validate {file} (is it still a sound hand?)
    musclehand diff musclehand {file} (what has changed?)

  Bones, joint axes and most attachment sites are MyoSim's (MyoHub, Apache License 2.0), which descends from MoBL-ARMS
  (Saul et al. 2015; its authors released it for non-commercial purposes); the NOTICE of musclehand says more. Apache
  License 2.0, without warranty of any kind.
"""


def hands_spec(
    sides: Sequence[Side],
    *,
    bones: bool = False,
    strength_scale: float = 1.0,
    tables: HandTables | None = None,
) -> mujoco.MjSpec:
    """Hands palm down with their elbows fixed to the world, in gravity, with light and camera.

    Args:
        sides: one hand or two.
        bones: with bone meshes.
        strength_scale: factor on the peak force of all muscles.
        tables: another hand than the one that comes with the package.

    Raises:
        InvalidValue: strength scale not above 0.
        ModelError: a table names something that does not exist.
    """
    spec = mujoco.MjSpec()
    spec.compiler.degree = False
    spec.compiler.boundmass = 0.0
    spec.option.timestep = SIM_DT
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    parents = {}
    for side in sides:
        place = [side.mirror * HALF_DISTANCE if len(sides) > 1 else 0.0, 0.0, 0.0]
        parents[side] = spec.worldbody.add_frame(pos=place, quat=_PALM_DOWN[side])
    add_hands(spec, parents, visual=bones, strength_scale=strength_scale, design=tables)
    spec.worldbody.add_light(pos=[-0.5, -0.2, 1.2], dir=[0.4, 0.4, -0.8], diffuse=[0.7, 0.7, 0.7])
    # Over the forearms, looking down and to the front.
    spec.worldbody.add_camera(
        name="above", pos=[0, 0.2, 0.55 + 0.25 * (len(sides) > 1)], xyaxes=[1, 0, 0, 0, 0.9, 0.43]
    )
    return spec


def rest_angles(tables: HandTables, sides: Sequence[Side]) -> dict[str, float]:
    """Joint angles of the hands at ease by the joints' names [rad]."""
    angles = {row.joint: row.rest for row in tables.joints}
    for joint in angles:
        driver = coupled_joint(joint)
        if driver is not None:
            angles[joint] = DIP_PER_PIP * angles[driver]
    return {side.name_of(joint): angle for side in sides for joint, angle in angles.items()}


def export_model(
    path: Path,
    spec: mujoco.MjSpec,
    *,
    title: str,
    rest: Mapping[str, float] | None = None,
    force: bool = False,
) -> tuple[Path, ...]:
    """Writes a model into one MJCF file; meshes go into the folder `assets` beside it.

    Args:
        path: the file, with ending .xml; its folder is made where it does not exist.
        spec: the model; a keyframe is added to it.
        title: what it is, in words, for the head of the file.
        rest: joint angles [rad] of the keyframe "rest", 0 for joints not named; by default no
            keyframe.
        force: write over an existing file.

    Returns:
        The files written, the MJCF first.

    Raises:
        OutputError: another ending, a file is there already, or it cannot be written.
    """
    path = Path(path)
    check_target(path, force=force)
    with silence_mujoco():
        if rest is not None:
            _add_keyframe(spec, rest)
        spec.modelname = "musclehand"
        spec.compile()
        tree = ElementTree.fromstring(spec.to_xml())
    meshes = _take_meshes(tree, path.parent)
    _name_numbers(tree, spec)
    ElementTree.indent(tree)
    text = ElementTree.tostring(tree, encoding="unicode").replace(" />", "/>")
    header = _HEADER.format(title=title, version=musclehand.__version__, file=_plain(path.name))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for source, target in meshes.items():
            _copy_mesh(Path(source), target, force=force)
        write_file(path, f"<!--{header}-->\n{text}\n")
    except OSError as error:
        raise OutputError(path, error.strerror or str(error)) from error
    return (path, *meshes.values())


def check_target(path: Path, *, force: bool = False) -> None:
    """Says early that a model cannot be written there.

    Raises:
        OutputError: another ending than .xml, a file is there and `force` is not set, or a folder
            is.
    """
    if path.suffix != ".xml":
        raise OutputError(path, "the name of an MJCF file has to end in .xml")
    try:
        if path.is_dir():
            raise OutputError(path, "it is a folder")
        if path.exists() and not force:
            raise OutputError(path, "it exists; --force writes over it")
    except OSError as error:
        raise OutputError(path, error.strerror or str(error)) from error


def _add_keyframe(spec: mujoco.MjSpec, rest: Mapping[str, float]) -> None:
    """With servos that hold what they move where it is; muscles are silent."""
    model = spec.compile()
    qpos = model.qpos0.copy()
    ctrl = np.zeros(model.nu)
    for name, angle in rest.items():
        qpos[model.joint(name).qposadr[0]] = angle
    for i in range(model.nu):
        on_joint = model.actuator_trntype[i] == mujoco.mjtTrn.mjTRN_JOINT
        if on_joint and model.actuator_biastype[i] == mujoco.mjtBias.mjBIAS_AFFINE:
            ctrl[i] = qpos[model.jnt_qposadr[model.actuator_trnid[i, 0]]]
    spec.add_key(name=REST, qpos=qpos, ctrl=ctrl)


def _take_meshes(tree: ElementTree.Element, folder: Path) -> dict[str, Path]:
    """Lets the model find its meshes in the folder `assets`; where each is now, and where it has
    to be."""
    needed = {}
    for mesh in tree.iterfind("asset/mesh[@file]"):
        source = mesh.attrib["file"]
        needed[source] = folder / ASSETS / Path(source).name
        mesh.attrib["file"] = f"{ASSETS}/{Path(source).name}"
    return needed


def _name_numbers(tree: ElementTree.Element, spec: mujoco.MjSpec) -> None:
    """Writes out the step and gravity, which MuJoCo omits where they are its own, and names the
    numbers of muscles."""
    option = tree.find("option")
    if option is not None:
        option.attrib |= {"timestep": f"{spec.option.timestep:g}"}
        option.attrib |= {"gravity": " ".join(f"{each:g}" for each in spec.option.gravity)}
    muscles = [each for each in tree.iterfind("actuator/general") if _is_plain_muscle(each)]
    shared = []
    for muscle in muscles:
        gain = muscle.attrib["gainprm"].split()
        dynamics = muscle.attrib["dynprm"].split()
        names = {"timeconst": " ".join(dynamics[:2])}
        names |= {
            key: muscle.attrib.pop(key)
            for key in ("ctrllimited", "ctrlrange")
            if key in muscle.attrib
        }
        shared.append(names | dict(zip(_SHAPE, gain[3:], strict=True)))
        own = {key: value for key, value in muscle.attrib.items() if key not in _NAMELESS}
        muscle.tag = "muscle"
        muscle.attrib = {**own, "range": " ".join(gain[:2]), "force": gain[2]}
        muscle.attrib |= {"tausmooth": dynamics[2]} if len(dynamics) > 2 else {}
    common = {
        key: value
        for key, value in (shared or [{}])[0].items()
        if all(each.get(key) == value for each in shared)
    }
    for muscle, names in zip(muscles, shared, strict=True):
        muscle.attrib |= {"class": _CLASS} | {
            key: value for key, value in names.items() if key not in common
        }
    if muscles:
        defaults = tree.find("default")
        if defaults is None:
            defaults = ElementTree.Element("default")
            tree.insert([child.tag for child in tree].index("worldbody"), defaults)
        ElementTree.SubElement(
            ElementTree.SubElement(defaults, "default", {"class": _CLASS}), "muscle", common
        )


def _is_plain_muscle(actuator: ElementTree.Element) -> bool:
    """Whether <muscle> can say all that is said of an actuator."""
    get = actuator.get
    kinds = {get(key) for key in ("dyntype", "gaintype", "biastype")}
    numbers = get("gainprm", "")
    return (
        kinds == {_CLASS}
        and numbers == get("biasprm")
        and len(numbers.split()) == 9
        and "class" not in actuator.attrib
    )


def _plain(name: str) -> str:
    """A file's name as a comment in XML can hold it: files may be called anything, and two
    hyphens end a comment."""
    return re.sub(r"-(?=-)", "- ", "".join(each if each.isprintable() else "?" for each in name))


def _copy_mesh(source: Path, target: Path, *, force: bool) -> None:
    data = source.read_bytes()
    target.parent.mkdir(exist_ok=True)
    if target.exists():
        if target.read_bytes() == data:
            return
        if not force:
            raise OutputError(target, "another file is there already; --force writes over it")
    write_file(target, data)
