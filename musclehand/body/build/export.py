"""Export of a hand as one MJCF file for MuJoCo, its viewer, MyoSuite, and editing by hand.

MuJoCo writes a spec with six significant digits, which moves tendon paths by at most a micrometre.
The actuators are then made readable: <general> with ten unnamed numbers becomes <muscle> with its
peak force under `force`, values that all muscles share go into a class of defaults, and servos
become <position>.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

import mujoco
import numpy as np

import musclehand
from musclehand.body.anatomy import Side, coupled_joint, coupling_ratio
from musclehand.body.build.hand import add_hands
from musclehand.body.build.table_rows import HandTables
from musclehand.core.atomic import write_file
from musclehand.core.errors import OutputError
from musclehand.core.mujoco_warnings import silence_mujoco
from musclehand.core.time_steps import SIM_DT

HALF_DISTANCE = 0.2
"""[m] Distance of each of two elbows from the middle."""

REST = "rest"
"""Name of the keyframe with the relaxed hands."""

ASSETS = "assets"
"""Folder of bone meshes, beside the file."""

_PALM_DOWN = {Side.RIGHT: [0.0, 0.0, 0.0, 1.0], Side.LEFT: [0.0, 1.0, 0.0, 0.0]}
"""Quaternions that turn the fingers from -y, at the root of a hand, to +y, the back of the hand
up."""

_SHAPE = ("scale", "lmin", "lmax", "vmax", "fpmax", "fvmax")
"""Attributes of <muscle> for the numbers of `gainprm` from the fourth on."""

_GENERAL = ("dyntype", "dynprm", "gaintype", "gainprm", "biastype", "biasprm")
"""Attributes of <general> that the attributes of <muscle> replace."""

LEAST_MUJOCO = "3.7"
"""Least version of MuJoCo that opens an exported file: 3.6 knows no joint springs with a cubic term
(tried with 3.6, 3.7, 3.10, 3.13, 3.15, 3.17 and 4.0)."""

EXACT_MUJOCO = "4.0"
"""Least version of MuJoCo in which all paths have the lengths that they have here. Forces of equal
paths agree to 1e-12 N from 3.7 on, but 3.7 to 3.17 lay some forearm tendons the long way round
their wrapping surfaces: in 18 % of random postures, by up to 64 mm (PL, FDS5, EIP, EDM)."""

_CLASS = "muscle"
"""Name of the class of defaults."""

_HEADER = """
  {title}, written by musclehand {version}.

  Units: m, kg, s, N, rad. Names are anatomical and end in _r or _l for the side; the keyframe is
  the relaxed hand. A muscle is an element of <actuator>: `force` is its peak isometric force along
  the tendon [N]; `lengthrange` and `range` are its shortest and longest path in m and in optimal
  fibre lengths. The optimal fibre length is (lengthrange[1] - lengthrange[0]) / (range[1] -
  range[0]), the tendon slack length lengthrange[0] - range[0] times that. Its path is the <spatial>
  tendon of the same name. The sites along it are in the bodies, so that moving a site moves an
  origin, insertion or pulley.

  MuJoCo {least} or later opens the file, because joints have springs with a cubic term; simulate it
  with {exact} or later: earlier versions lay some tendons the long way round. After editing:

    musclehand validate {file} (is it still a sound hand?)
    musclehand diff musclehand {file} (what has changed?)

  Bones, joint axes and most attachment sites are MyoSim's (MyoHub, Apache License 2.0), which
  descends from MoBL-ARMS (Saul et al. 2015; its authors released it for non-commercial purposes);
  the NOTICE of musclehand says more. Apache License 2.0, without warranty of any kind.
"""


def hands_spec(
    sides: Sequence[Side],
    *,
    bones: bool = False,
    strength_scale: float = 1.0,
    tables: HandTables | None = None,
) -> mujoco.MjSpec:
    """Hands palm down with their elbows fixed to the world, with gravity, light and camera.

    Args:
        sides: one hand or two.
        bones: whether to add bone meshes.
        strength_scale: factor on the peak force of all muscles.
        tables: tables of the hands; by default the bundled ones.

    Raises:
        InvalidValue: strength scale not above 0.
        ModelError: a table refers to a part that does not exist.
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
    """Joint angles of the relaxed hands by the names of the model's joints [rad]."""
    angles = {row.joint: row.rest for row in tables.joints}
    for joint in angles:
        driver = coupled_joint(joint)
        if driver is not None:
            angles[joint] = coupling_ratio(joint) * angles[driver]
    return {side.name_of(joint): angle for side in sides for joint, angle in angles.items()}


def export_model(
    path: Path,
    spec: mujoco.MjSpec,
    *,
    title: str,
    keyframe: Mapping[str, float] | None = None,
    force: bool = False,
) -> tuple[Path, ...]:
    """Writes a model to one MJCF file, and its meshes to the folder `assets` beside it.

    Args:
        path: the file, with ending .xml; its folder is created if needed.
        spec: the model; a keyframe is added to it.
        title: description in the head of the file.
        keyframe: joint angles [rad] of the keyframe "rest" by name, other joints at 0; None adds
            no keyframe.
        force: whether to overwrite existing files.

    Returns:
        The files written, the MJCF first.

    Raises:
        OutputError: another ending, a file exists, or a file cannot be written.
    """
    path = Path(path)
    check_target(path, force=force)
    with silence_mujoco():
        if keyframe is not None:
            _add_keyframe(spec, keyframe)
        spec.modelname = "musclehand"
        spec.compile()
        tree = ElementTree.fromstring(spec.to_xml())
    meshes = _take_meshes(tree, path.parent)
    _write_options(tree, spec)
    _name_muscle_constants(tree)
    _name_servo_constants(tree)
    ElementTree.indent(tree)
    text = ElementTree.tostring(tree, encoding="unicode").replace(" />", "/>")
    header = _HEADER.format(
        title=title,
        version=musclehand.__version__,
        file=_plain(path.name),
        least=LEAST_MUJOCO,
        exact=EXACT_MUJOCO,
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for source, target in meshes.items():
            _copy_mesh(Path(source), target, force=force)
        write_file(path, f"<!--{header}-->\n{text}\n")
    except OSError as error:
        raise OutputError(path, error.strerror or str(error)) from error
    return (path, *meshes.values())


def check_target(path: Path, *, force: bool = False) -> None:
    """Checks, before any work is done, that a model can be written to a path.

    Args:
        path: the MJCF file.
        force: whether an existing file may be overwritten.

    Raises:
        OutputError: another ending than .xml, an existing file without `force`, or a folder.
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


def _add_keyframe(spec: mujoco.MjSpec, angles: Mapping[str, float]) -> None:
    """Adds a keyframe in which position servos hold their joints and muscles are off."""
    model = spec.compile()
    qpos = model.qpos0.copy()
    ctrl = np.zeros(model.nu)
    for name, angle in angles.items():
        qpos[model.joint(name).qposadr[0]] = angle
    for i in range(model.nu):
        on_joint = model.actuator_trntype[i] == mujoco.mjtTrn.mjTRN_JOINT
        if on_joint and model.actuator_biastype[i] == mujoco.mjtBias.mjBIAS_AFFINE:
            ctrl[i] = qpos[model.jnt_qposadr[model.actuator_trnid[i, 0]]]
    spec.add_key(name=REST, qpos=qpos, ctrl=ctrl)


def _take_meshes(tree: ElementTree.Element, folder: Path) -> dict[str, Path]:
    """Redirects the model to meshes in the folder `assets`.

    Returns:
        Target of each mesh by its present path.
    """
    targets = {}
    for mesh in tree.iterfind("asset/mesh[@file]"):
        source = mesh.attrib["file"]
        targets[source] = folder / ASSETS / Path(source).name
        mesh.attrib["file"] = f"{ASSETS}/{Path(source).name}"
    return targets


def _write_options(tree: ElementTree.Element, spec: mujoco.MjSpec) -> None:
    """Makes time step and gravity explicit; MuJoCo omits them if they are its defaults."""
    option = tree.find("option")
    if option is not None:
        option.attrib |= {"timestep": f"{spec.option.timestep:g}"}
        option.attrib |= {"gravity": " ".join(f"{value:g}" for value in spec.option.gravity)}


def _name_muscle_constants(tree: ElementTree.Element) -> None:
    """Turns <general> actuators that are muscles into <muscle>, with a class for shared values."""
    muscles = [part for part in tree.iterfind("actuator/general") if _is_plain_muscle(part)]
    if not muscles:
        return
    constants = [_to_muscle(muscle) for muscle in muscles]
    common = {
        key: value
        for key, value in constants[0].items()
        if all(values.get(key) == value for values in constants)
    }
    for muscle, values in zip(muscles, constants, strict=True):
        own = {key: value for key, value in values.items() if key not in common}
        muscle.attrib |= {"class": _CLASS} | own
    defaults = tree.find("default")
    if defaults is None:
        defaults = ElementTree.Element("default")
        tree.insert([child.tag for child in tree].index("worldbody"), defaults)
    muscle_class = ElementTree.SubElement(defaults, "default", {"class": _CLASS})
    ElementTree.SubElement(muscle_class, "muscle", common)


def _to_muscle(actuator: ElementTree.Element) -> dict[str, str]:
    """Turns one actuator into <muscle>; returns its attributes that others may share."""
    gain = actuator.attrib["gainprm"].split()
    dynamics = actuator.attrib["dynprm"].split()
    shareable = {"timeconst": " ".join(dynamics[:2])}
    for key in ("ctrllimited", "ctrlrange"):
        if key in actuator.attrib:
            shareable[key] = actuator.attrib.pop(key)
    shareable |= dict(zip(_SHAPE, gain[3:], strict=True))
    own = {key: value for key, value in actuator.attrib.items() if key not in _GENERAL}
    actuator.tag = "muscle"
    actuator.attrib = {**own, "range": " ".join(gain[:2]), "force": gain[2]}
    if len(dynamics) > 2:
        actuator.attrib["tausmooth"] = dynamics[2]
    return shareable


def _is_plain_muscle(actuator: ElementTree.Element) -> bool:
    """Whether <muscle> can express all attributes of an actuator."""
    get = actuator.get
    kinds = {get(key) for key in ("dyntype", "gaintype", "biastype")}
    numbers = get("gainprm", "")
    return (
        kinds == {_CLASS}
        and numbers == get("biasprm")
        and len(numbers.split()) == 9
        and "class" not in actuator.attrib
    )


def _name_servo_constants(tree: ElementTree.Element) -> None:
    """Turns <general> actuators that are position servos into <position>.

    MuJoCo 4.0 writes their kind of input, an attribute that versions before 3.17 refuse.
    """
    for servo in tree.iterfind("actuator/general[@input='pos']"):
        bias = servo.get("biasprm", "").split()
        is_servo = servo.get("biastype") == "affine" and len(bias) == 3 and bias[0] == "0"
        if is_servo and bias[1] == f"-{servo.get('gainprm')}" and bias[2].startswith("-"):
            own = {key: value for key, value in servo.items() if key not in (*_GENERAL, "input")}
            servo.tag = "position"
            servo.attrib = {**own, "kp": servo.attrib["gainprm"], "kv": bias[2][1:]}


def _plain(name: str) -> str:
    """A file name made safe for an XML comment, in which two hyphens are illegal."""
    printable = "".join(letter if letter.isprintable() else "?" for letter in name)
    return re.sub(r"-(?=-)", "- ", printable)


def _copy_mesh(source: Path, target: Path, *, force: bool) -> None:
    data = source.read_bytes()
    target.parent.mkdir(exist_ok=True)
    if target.exists():
        if target.read_bytes() == data:
            return
        if not force:
            raise OutputError(target, "another file exists; --force writes over it")
    write_file(target, data)
