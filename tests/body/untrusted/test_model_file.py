import gzip
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import mujoco
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from musclehand.body.anatomy import Side
from musclehand.body.build.hand import hand_spec
from musclehand.body.untrusted import model_trial
from musclehand.body.untrusted.model_file import read_model
from musclehand.body.untrusted.model_rules import check_model
from musclehand.body.untrusted.model_scan import MAX_DEPTH, MAX_XML_BYTES, scan_model
from musclehand.core.errors import ModelError

SECONDS = 20.0
"""What one bad file may take at most; most take a hundredth of a second."""

FINGER = """<mujoco model="finger">
  {head}
  <worldbody>
    <site name="origin" pos="0 .02 0"/>
    {world}
    <body name="phalanx">
      <joint name="mcp" axis="1 0 0" range="-1 1" {joint}/>
      <geom name="bone" size=".01" mass=".1"/>
      <site name="insertion" pos="0 .01 -.03"/>
      <site name="beside" pos="0 .01 -.03"/>
    </body>
  </worldbody>
  <tendon>
    <spatial name="flexor"><site site="origin"/><site site="{site}"/></spatial>
    {tendon}
  </tendon>
  <actuator>
    <muscle name="fdp" tendon="{ten}" lengthrange=".01 .1"/>
    {actuator}
  </actuator>
  {tail}
</mujoco>
"""
FLAT = '<spatial name="flat"><site site="insertion"/><site site="beside"/></spatial>'
TEXTURE = '<texture builtin="flat" width="4000" height="4000"/>'
BILLION = "".join(
    f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefghi", "bcdefghij", strict=True)
)


def finger(**parts):
    empty = dict.fromkeys(("head", "world", "joint", "tendon", "actuator", "tail"), "")
    return FINGER.format_map({**empty, "site": "insertion", "ten": "flexor", **parts})


def mesh(name, compiler=""):
    return finger(head=f'{compiler}<asset><mesh name="bone" file="{name}"/></asset>')


def timestep(value):
    return finger(head=f'<option timestep="{value}"/>')


def refusal(path, root=None):
    """The one line that says what is wrong with a file, given in bounded time."""
    start = time.perf_counter()
    with pytest.raises(ModelError) as caught:
        read_model(path, root=root)
    assert time.perf_counter() - start < SECONDS
    line = str(caught.value)
    assert "\n" not in line
    assert len(line) < 1000
    return line


@pytest.fixture
def write(tmp_path):
    def write(text, name="hand.xml"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def test_a_small_model_is_read(write, capfd, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    model_file = read_model(write(finger()))
    assert model_file.model.nu == 1
    assert model_file.spec.compile().ntendon == 1
    assert model_file.path.name == "hand.xml"
    assert capfd.readouterr() == ("", "")
    assert not Path("MUJOCO_LOG.TXT").exists()


def test_our_own_hand_goes_around(write):
    spec = hand_spec(Side.RIGHT)
    model = spec.compile()
    model_file = read_model(write(spec.to_xml()))
    assert model_file.model.nu == model.nu
    assert np.allclose(model_file.model.tendon_length0, model.tendon_length0, atol=1e-6)


def test_names_may_be_any_words(write):
    text = finger(joint='damping="1"', tail='<sensor><jointpos name="nan" joint="inf"/></sensor>')
    model_file = read_model(write(text.replace('"mcp"', '"inf"').replace('"flexor"', '"1e99"')))
    assert model_file.model.tendon(0).name == "1e99"


STRUCTURE = {
    "no xml": ("a hand", "not XML"),
    "unclosed": (finger()[:-30], r"line \d+.*well-formed"),
    "another language": ("<svg/>", "not MJCF"),
    "urdf": ('<robot name="hand"><link name="palm"/></robot>', "URDF"),
    "part of a model": ("<mujocoinclude><worldbody/></mujocoinclude>", "part"),
    "empty": ("", "empty"),
    "blank": (" \n ", "empty"),
    "utf-16": (finger().encode("utf-16"), "UTF-8"),
    "gzip": (gzip.compress(finger().encode()), "gzip"),
    "bytes": (bytes(range(256)) * 8, "UTF-8"),
    "no muscles": ("<mujoco><worldbody/></mujoco>", "no muscles"),
    "a motor only": (re.sub("<muscle.*?/>", '<motor joint="mcp"/>', finger()), "no muscles"),
    "billion laughs": (f'<!DOCTYPE m [<!ENTITY a "ha">{BILLION}]>{finger()}', "DOCTYPE"),
    "entity of a file": (
        f'<!DOCTYPE m [<!ENTITY a SYSTEM "file:///etc/hosts">]>{finger()}',
        "DOCTYPE",
    ),
    "deep": (
        f"<mujoco>{'<frame>' * (MAX_DEPTH + 1)}{'</frame>' * (MAX_DEPTH + 1)}</mujoco>",
        "deep",
    ),
    "very deep": (f"<mujoco>{'<frame>' * 100_000}{'</frame>' * 100_000}</mujoco>", "deep"),
    "many elements": (
        f"<mujoco><worldbody>{'<site/>' * 100_001}</worldbody></mujoco>",
        "100,000 elements",
    ),
    "extension": (
        finger(head='<extension><plugin plugin="mujoco.elasticity.cable"/></extension>'),
        "plugin",
    ),
    "plugin": (
        finger(tail='<sensor><plugin name="touch" plugin="mujoco.sensor"/></sensor>'),
        "plugin",
    ),
    "unknown element": (finger(world="<wibble/>"), "wibble"),
    "unknown attribute": (finger(joint='wobble="1"'), "wobble"),
    "name twice": (finger(world='<site name="origin"/>'), "origin"),
}
NAMES = {
    "joint of an actuator": (finger(actuator='<motor joint="mpc"/>'), "'mpc'.*mcp"),
    "joint of a tendon": (
        finger(tendon='<fixed name="f"><joint joint="pip" coef="1"/></fixed>'),
        "'pip'",
    ),
    "joint of an equality": (finger(tail='<equality><joint joint1="pip"/></equality>'), "'pip'"),
    "site of a tendon": (finger(site="insertoin"), "'insertoin'.*insertion"),
    "tendon of an actuator": (finger(ten="flexer"), "'flexer'.*flexor"),
    "class": (finger(joint='class="stiff"'), "'stiff'"),
    "mesh": (finger(world='<geom type="mesh" mesh="carpal"/>'), "'carpal'"),
    "no length": (
        finger(tendon=FLAT, actuator='<muscle tendon="flat" lengthrange=".01 .1"/>'),
        "flat.*no length",
    ),
    "no length, no range": (
        finger(tendon=FLAT, actuator='<muscle tendon="flat"/>'),
        "flat.*no length",
    ),
    "keyframe": (finger(tail='<keyframe><key qpos="1 2 3"/></keyframe>'), "qpos"),
}
NUMBERS = {
    "step 0": (timestep("0"), "timestep.*from"),
    "step below 0": (timestep("-0.002"), "timestep.*from"),
    "step nan": (timestep("nan"), "timestep"),
    "step inf": (timestep("inf"), "timestep"),
    "step of 5 s": (timestep("5"), "timestep.*from"),
    "step in words": (timestep("short"), "timestep"),
    "nan": (finger(joint='stiffness="nan"'), r"stiffness.*'nan'.*finite"),
    "inf": (finger(joint='damping="-inf"'), "damping.*'-inf'"),
    "1e400": (finger(joint='damping="1e400"'), "damping"),
    "1e11": (finger(joint='armature="1e11"'), "armature.*1e\\+10"),
    "in a vector": (finger(world='<body pos="0 NaN 0"/>'), "line 5, <body>: pos"),
    "replicate": (
        finger(world='<replicate count="1000000000" euler="0 0 1"><site/></replicate>'),
        "replicate.*100,000",
    ),
    "replicates": (
        finger(world='<replicate count="999">' * 2 + "<site/>" + "</replicate>" * 2),
        "replicate.*100,000",
    ),
    "composite": (
        finger(world='<composite type="cable" count="99999 99 1"/>'),
        "composite.*100,000",
    ),
    "flexcomp": (
        finger(world='<flexcomp name="skin" type="grid" count="999 999 999"/>'),
        "flexcomp.*100,000",
    ),
    "height field": (
        finger(head='<asset><hfield nrow="99999" ncol="99999" size="1 1 1 1"/></asset>'),
        "nrow",
    ),
    "textures": (finger(head=f"<asset>{TEXTURE * 9}</asset>"), "textures.*together"),
    "texture of nan kilo": (
        finger(head='<asset><texture builtin="flat" width="nank" height="2"/></asset>'),
        "width",
    ),
    "texture": (
        finger(head='<asset><texture builtin="flat" width="99999" height="99999"/></asset>'),
        "width",
    ),
    "memory": (finger(head='<size memory="1000G"/>'), "memory"),
    "user data": (finger(head='<size nuserdata="2000000000"/>'), "nuserdata"),
    "keyframes": (finger(tail=f"<keyframe>{'<key/>' * 5001}</keyframe>"), "5,000 keyframes"),
    "user numbers": (finger(head='<size nuser_body="2000000000"/>'), "nuser_body"),
    "iterations": (finger(head='<option iterations="2000000000" tolerance="0"/>'), "iterations"),
}
FILES = {
    "absolute include": (finger(head='<include file="/etc/hosts"/>'), "absolute"),
    "include from above": (finger(head='<include file="../arm.xml"/>'), "outside.*--root"),
    "address": (finger(head='<include file="http://host/arm.xml"/>'), "absolute"),
    "itself": (finger(head='<include file="hand.xml"/>'), "itself"),
    "no such include": (finger(head='<include file="arm.xml"/>'), "line 2, <include.*no file"),
    "a folder": (finger(head='<include file="."/>'), "folder"),
    "no such mesh": (mesh("bone.stl"), "<mesh name='bone'>.*no file"),
    "absolute mesh": (mesh("/etc/hosts"), "absolute"),
    "mesh from above": (mesh("../bone.stl"), "outside.*--root"),
    "mesh folder": (mesh("bone.stl", '<compiler meshdir="../.."/>'), "<compiler>.*outside"),
    "asset folder": (mesh("bone.stl", '<compiler assetdir="/etc"/>'), "absolute"),
    "texture folder": (mesh("bone.stl", '<compiler texturedir="a/../../b"/>'), "outside"),
    "texture": (
        finger(head='<asset><texture type="2d" file="../t.png"/></asset>'),
        "<texture.*outside",
    ),
    "height field": (
        finger(head='<asset><hfield name="h" size="1 1 1 1" file="../t.png"/></asset>'),
        "outside",
    ),
    "model in it": (
        finger(head='<asset><model name="arm" file="../../arm.xml"/></asset>'),
        "outside",
    ),
}


@pytest.mark.parametrize(("text", "says"), STRUCTURE.values(), ids=STRUCTURE)
def test_what_is_no_hand_says_so(write, text, says):
    path = write(text)
    line = refusal(path)
    assert line.startswith(str(path))
    assert re.search(says, line)


@pytest.mark.parametrize(("text", "says"), NAMES.values(), ids=NAMES)
def test_names_that_lead_nowhere(write, text, says):
    assert re.search(says, refusal(write(text)))


@pytest.mark.parametrize(("text", "says"), NUMBERS.values(), ids=NUMBERS)
def test_numbers_no_hand_has(write, text, says):
    assert re.search(says, refusal(write(text)))


@pytest.mark.parametrize(("text", "says"), FILES.values(), ids=FILES)
def test_files_that_are_not_there_or_not_its_own(write, text, says):
    assert re.search(says, refusal(write(text)))


def test_what_is_no_file(write, tmp_path):
    assert "is a folder" in refusal(tmp_path)
    assert "No such file" in refusal(tmp_path / "hand.xml")
    assert "not XML in UTF-8" in refusal(write(bytes(50), "zeros.xml"))
    assert ".xml" in refusal(write(finger(), "hand.txt"))
    assert "URDF" in refusal(write(finger(), "hand.urdf"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no such files on this system")
def test_devices_and_pipes_are_not_opened(write, tmp_path):
    assert "not a regular file" in refusal(Path("/dev/zero"))
    os.mkfifo(tmp_path / "pipe.xml")
    os.mkfifo(tmp_path / "pipe.stl")
    assert "not a regular file" in refusal(tmp_path / "pipe.xml")
    assert "not a regular file" in refusal(write(mesh("pipe.stl")))
    assert "not a regular file" in refusal(write(finger(head='<include file="pipe.xml"/>')))


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="this user may read everything"
)
def test_a_file_of_somebody_else(write):
    path = write(finger())
    path.chmod(0)
    assert "Permission denied" in refusal(path)


def sparse(path, size):
    with path.open("wb") as file:
        file.truncate(size)


def test_large_files_are_not_read(write, tmp_path):
    sparse(tmp_path / "large.xml", MAX_XML_BYTES + 1)
    assert "20 MB" in refusal(tmp_path / "large.xml")
    assert re.search(
        "line 2, <include.*20 MB", refusal(write(finger(head='<include file="large.xml"/>')))
    )
    sparse(tmp_path / "large.stl", 65 * 2**20)
    assert "64 MB" in refusal(write(mesh("large.stl")))
    sparse(tmp_path / "part.stl", 60 * 2**20)
    parts = "".join(f'<mesh name="bone{i}" file="part.stl"/>' for i in range(5))
    assert "256 MB together" in refusal(write(finger(head=f"<asset>{parts}</asset>")))


def test_pictures_may_not_grow(write, tmp_path):
    size = (10**5).to_bytes(4) * 2
    (tmp_path / "skin.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + (13).to_bytes(4) + b"IHDR" + size + b"\x08\x06\0\0\0"
    )
    assert "100000 x 100000" in refusal(
        write(finger(head='<asset><texture type="2d" file="skin.png"/></asset>'))
    )


def test_includes_in_circles_and_too_many(write):
    write('<mujoco><include file="b.xml"/></mujoco>', "a.xml")
    write('<mujoco><include file="a.xml"/></mujoco>', "b.xml")
    assert re.search(
        "b.xml: line 1.*second time", refusal(write(finger(head='<include file="a.xml"/>')))
    )
    for name in ("c", "d", "e"):
        write(f"<mujoco><worldbody>{'<site/>' * 40_000}</worldbody></mujoco>", f"{name}.xml")
    includes = "".join(f'<include file="{name}.xml"/>' for name in ("c", "d", "e"))
    assert re.search("e.xml.*100,000 elements", refusal(write(finger(head=includes))))


def test_links_do_not_lead_out(write, tmp_path):
    outside = write("solid", "bone.stl")
    inside = write(mesh("link.stl"), "model/hand.xml")
    try:
        (inside.parent / "link.stl").symlink_to(outside)
        (inside.parent / "meshes").symlink_to(tmp_path)
    except OSError:
        pytest.skip("no links on this system")
    assert "outside" in refusal(inside)
    assert "outside" in refusal(
        write(mesh("bone.stl", '<compiler meshdir="meshes"/>'), "model/hand.xml")
    )


def test_a_wider_folder_can_be_named(write, tmp_path):
    write('<mujoco><worldbody><site name="wrist"/></worldbody></mujoco>', "parts/arm.xml")
    path = write(finger(head='<include file="../parts/arm.xml"/>'), "model/hand.xml")
    assert re.search("outside.*--root", refusal(path))
    assert read_model(path, root=tmp_path).spec.site("wrist") is not None
    assert "does not lie in" in refusal(path, root=tmp_path / "parts")


def test_includes_are_looked_up_as_mujoco_does(write, tmp_path):
    """Beside the main file first, then beside the including one."""
    write('<mujoco><include file="b.xml"/></mujoco>', "parts/a.xml")
    write('<mujoco><worldbody><site name="near"/></worldbody></mujoco>', "parts/b.xml")
    path = write(finger(head='<include file="parts/a.xml"/>'))
    for expected in ("near", "top"):
        tree, _ = scan_model(path)
        sites = {node.attributes.get("name") for node in tree.walk() if node.tag == "site"} - {None}
        assert sites == {site.name for site in mujoco.MjSpec.from_file(str(path)).sites}
        assert expected in sites
        write('<mujoco><worldbody><site name="top"/></worldbody></mujoco>', "b.xml")


TETRAHEDRON = "v 0 0 0\nv {0} 0 0\nv 0 {0} 0\nv 0 0 {0}\nf 1 3 2\nf 1 2 4\nf 1 4 3\nf 2 3 4\n"
BONE = (
    '<mujoco><asset><mesh name="bone" file="{}"/></asset><worldbody><body name="bone">'
    '<geom type="mesh" mesh="bone"/></body></worldbody></mujoco>'
)


@pytest.mark.parametrize("folder", ["", '<compiler meshdir="meshes"/>'])
@pytest.mark.parametrize("name", ["bone.obj", "deep/bone.obj"])
def test_files_of_an_include_lie_beside_it_as_in_mujoco(write, tmp_path, folder, name):
    """MuJoCo takes the first of two places; both are checked."""
    write(BONE.format(name), "parts/arm.xml")
    path = write(finger(head=f'{folder}<include file="../parts/arm.xml"/>'), "model/hand.xml")
    main = f"model/{'meshes/' if folder else ''}{name}"
    assert "there is no file" in refusal(path, root=tmp_path)
    for place, size in ((f"parts/{name}", 0.01), (main, 0.02)):
        write(TETRAHEDRON.format(size), place)
        model = read_model(path, root=tmp_path).model
        assert model.body("bone").mass[0] == pytest.approx(1000 * size**3 / 6, rel=1e-3)
    sparse(tmp_path / "parts" / name, 65 * 2**20)
    assert "64 MB" in refusal(path, root=tmp_path)


def test_files_beside_an_include_may_not_lie_outside(write, tmp_path):
    write(TETRAHEDRON.format(0.01), "bone.obj")
    write(BONE.format("../bone.obj"), "model/parts/arm.xml")
    path = write(finger(head='<include file="parts/arm.xml"/>'), "model/hand.xml")
    assert "outside" in refusal(path)
    write(TETRAHEDRON.format(0.01), "model/bone.obj")
    (tmp_path / "bone.obj").unlink()
    assert read_model(path).model.nmesh == 1


def test_a_model_in_an_include_lies_beside_it(write, tmp_path):
    part = '<mujoco><worldbody><body name="tool"><geom size=".1"/></body></worldbody></mujoco>'
    write(part, "parts/tool.xml")
    include = (
        '<mujoco><asset><model name="tool" file="tool.xml"/></asset><worldbody>'
        '<attach model="tool" body="tool" prefix="my_"/></worldbody></mujoco>'
    )
    write(include, "parts/arm.xml")
    path = write(finger(head='<include file="parts/arm.xml"/>'))
    assert read_model(path).spec.body("my_tool") is not None
    write(f"<mujoco><worldbody>{'<site/>' * 100_000}</worldbody></mujoco>", "parts/tool.xml")
    assert "100,000 elements" in refusal(path)


def test_the_folder_to_name_is_in_the_message(write, tmp_path):
    write("<mujoco/>", "parts/arm.xml")
    path = write(finger(head='<include file="../parts/arm.xml"/>'), "model/hand.xml")
    assert refusal(path).endswith(f"--root {tmp_path.resolve()})")
    elsewhere = write(finger(head=f'<include file="{"../" * 40}etc/arm.xml"/>'), "model/hand.xml")
    assert refusal(elsewhere).endswith("--root DIR)")


def test_parts_that_mujoco_numbers_are_named(write):
    still = FINGER.replace(' lengthrange=".01 .1"', "").replace('range="-1 1"', "")
    empty = dict.fromkeys(("head", "world", "joint", "tendon", "tail"), "")
    motor = '<motor name="push" joint="mcp"/>'
    text = still.format_map({**empty, "actuator": motor, "site": "insertion", "ten": "flexor"})
    text = text.replace('site="origin"', 'site="beside"')
    line = refusal(write(text))
    assert re.search("'fdp'|'flexor'", line)
    assert not re.search(r"(actuator|tendon) \d", line)


def test_a_compile_without_end_is_stopped(write, monkeypatch):
    monkeypatch.setattr(model_trial, "SECONDS", 2.0)
    endless = (
        '<compiler><lengthrange inttotal="1e9" timestep="1e-9" mode="all" useexisting="false"/>'
        "</compiler>"
    )
    assert "not done with it after 2 s" in refusal(write(finger(head=endless)))


def test_memory_is_bounded(write):
    pytest.importorskip("resource")
    textures = "".join(
        TEXTURE.replace("<texture", f'<texture name="t{i}" type="2d"') for i in range(4)
    )
    path = write(finger(head=f"<asset>{textures}</asset>"))
    code = (
        "from musclehand.body.untrusted import model_trial as trial; "
        f"trial.MEMORY_BYTES = 2**27; trial.main({str(path)!r})"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, timeout=SECONDS
    )
    assert "memory" in json.loads(run.stdout)["problem"]
    assert read_model(path).model.ntex == 4


@pytest.mark.parametrize(("status", "says"), [(-11, "crashes.*-11"), (0, "memory"), (1, "crashes")])
def test_whatever_ends_the_trial_is_told(write, monkeypatch, status, says):
    def run(command, **_):
        return model_trial.subprocess.CompletedProcess(command, status, b"", b"")

    monkeypatch.setattr(model_trial.subprocess, "run", run)
    assert re.search(says, refusal(write(finger())))


def scanned(path):
    """Whether the checks before MuJoCo let a file pass or say no in one line."""
    try:
        check_model(*scan_model(path))
    except ModelError as error:
        return len(str(error).splitlines()) == 1
    return True


IN_FOLDER = [HealthCheck.function_scoped_fixture]
VALUES = [
    "",
    " ",
    "nan",
    "1e999",
    "-1",
    "0",
    "1e10",
    "99999999999",
    "hand.xml",
    "../x",
    "/",
    "\u00e9",
    "1 2 3",
    "true",
]
ATTRIBUTE = re.compile(r'(?<==")[^"]*(?=")')
BYTES = finger(joint='damping="1" stiffness="2"', head='<option timestep="0.002"/>').encode()


@settings(max_examples=300, deadline=None, suppress_health_check=IN_FOLDER)
@given(
    edits=st.lists(
        st.tuples(st.integers(0, len(BYTES) - 1), st.binary(max_size=3)), min_size=1, max_size=5
    )
)
def test_changed_bytes_are_refused_or_harmless(write, edits):
    data = BYTES
    for place, new in edits:
        data = data[:place] + new + data[place + 1 :]
    assert scanned(write(data))


def with_values(changes):
    text = BYTES.decode()
    places = list(ATTRIBUTE.finditer(text))
    for index, value in sorted(
        {i % len(places): value for i, value in changes}.items(), reverse=True
    ):
        text = text[: places[index].start()] + value + text[places[index].end() :]
    return text


CHANGES = st.lists(st.tuples(st.integers(0, 99), st.sampled_from(VALUES)), min_size=1, max_size=3)


@settings(max_examples=100, deadline=None, suppress_health_check=IN_FOLDER)
@given(changes=CHANGES)
def test_changed_values_are_refused_or_harmless(write, changes):
    assert scanned(write(with_values(changes)))


@settings(max_examples=10, deadline=None, suppress_health_check=IN_FOLDER)
@given(changes=CHANGES)
def test_changed_models_are_read_or_refused(write, changes):
    path = write(with_values(changes))
    try:
        count = read_model(path).model.nu
    except ModelError as error:
        count = len(str(error).splitlines())
    assert count == 1
