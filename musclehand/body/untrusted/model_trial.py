"""A model compiled and stepped by a process of its own, which may crash, hang or run out of memory
without harm.

`try_model` starts it; in it `main` prints one line of JSON that says how it went (`Trial`). The
process limits its memory and processor time, and leaves neither a core dump nor MuJoCo's log
behind.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

SECONDS = 30.0
"""Time to compile a model and to take `STEPS` steps [s]; MyoHand takes 0.6 s."""

MEMORY_BYTES = 4 * 2**30
"""Address space for it, on top of what Python and MuJoCo take themselves; MyoHand takes 0.1 GB."""

STEPS = 5

SHORTEST_TENDON = 1e-6
"""Below this a path has no length [m]."""

_QUIET = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}


@dataclass(frozen=True)
class Trial:
    """How a model did: MuJoCo's complaint if it does not compile or step, and paths without
    length by name."""

    problem: str | None = None
    zero_tendons: tuple[str, ...] = ()


def try_model(path: Path) -> Trial:
    """Compiles and steps a model in a process of its own; a crash, hang or lack of memory is a
    problem like others."""
    # The package is found at the end of the path, where it shadows nothing, however it is
    # installed.
    code = f"import sys; sys.path.append({str(Path(__file__).resolve().parents[3])!r}); from {__name__} import main; "
    command = [sys.executable, "-c", f"{code}main(sys.argv[1])", str(path.resolve())]
    try:
        # MuJoCo writes its log to the current folder should it fail for good.
        with tempfile.TemporaryDirectory() as folder:
            run = subprocess.run(
                command,
                cwd=folder,
                env=os.environ | _QUIET,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=SECONDS,
                check=False,
            )
    except subprocess.TimeoutExpired:
        return Trial(f"MuJoCo is not done with it after {SECONDS:.0f} s")
    except OSError as error:
        return Trial(f"no process could be started to try it: {error}")
    lines = run.stdout.decode(errors="replace").splitlines()
    if run.returncode == 0 and lines:
        said = json.loads(lines[-1])
        return Trial(said["problem"], tuple(said["zero_tendons"]))
    if run.returncode == 0 or b"MemoryError" in run.stderr or b"bad_alloc" in run.stderr:
        return Trial(f"MuJoCo needs more than {MEMORY_BYTES / 2**30:.0f} GB of memory for it")
    last = run.stderr.decode(errors="replace").split("\n")[-2:]
    return Trial(f"MuJoCo crashes on it (exit code {run.returncode}) {' '.join(last)}".rstrip())


def main(path: str) -> None:
    """Tries one model and writes what came of it to stdout, as one line of JSON."""
    import mujoco

    _limit()
    mujoco.set_mju_user_warning(lambda text: None)
    sys.stdout.write(f"\n{json.dumps(asdict(_try_here(path)))}\n")


def _limit() -> None:
    """Bounds memory and time of this process, where the system can."""
    try:
        import resource
    except ImportError:  # not on Windows
        return
    wanted = {"RLIMIT_CORE": 0, "RLIMIT_CPU": int(2 * SECONDS)}
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        wanted["RLIMIT_AS"] = pages * resource.getpagesize() + MEMORY_BYTES
    except OSError:  # only Linux says how much it has
        wanted["RLIMIT_DATA"] = 2 * MEMORY_BYTES
    for name, value in wanted.items():
        number = getattr(resource, name)
        hard = resource.getrlimit(number)[1]
        resource.setrlimit(
            number, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard)
        )


def _try_here(path: str) -> Trial:
    import warnings

    import mujoco

    warnings.simplefilter("ignore")
    try:
        spec = mujoco.MjSpec.from_file(path)
        try:
            model = spec.compile()
        except ValueError as error:
            return Trial(
                _refusal(error), _zero_tendons_of(path) if "lengthrange" in str(error) else ()
            )
        zero = _zero_tendons(model, {tendon.name for tendon in map(model.tendon, _pulled(model))})
        data = mujoco.MjData(model)
        mujoco.mj_step(model, data, STEPS)
    except MemoryError:
        return Trial(f"MuJoCo needs more than {MEMORY_BYTES / 2**30:.0f} GB of memory for it")
    except Exception as error:
        return Trial(_refusal(error))
    return Trial(None, zero)


def _refusal(error: Exception) -> str:
    said = str(error).removeprefix("XML ").removeprefix("Error: ") or type(error).__name__
    return f"MuJoCo does not take it: {said}"


def _pulled(model: Any) -> list[int]:
    """The tendons that actuators pull on."""
    import mujoco

    on_tendon = model.actuator_trntype == mujoco.mjtTrn.mjTRN_TENDON
    return [int(i) for i in model.actuator_trnid[on_tendon, 0]]


def _zero_tendons(model: Any, names: set[str]) -> tuple[str, ...]:
    """Those of the named tendons whose path has no length in the model's own posture."""
    import mujoco

    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    mujoco.mj_comPos(model, data)
    mujoco.mj_tendon(model, data)
    return tuple(
        model.tendon(i).name
        for i in range(model.ntendon)
        if model.tendon(i).name in names
        and model.wrap_type[model.tendon_adr[i]] != mujoco.mjtWrap.mjWRAP_JOINT
        and data.ten_length[i] < SHORTEST_TENDON
    )


def _zero_tendons_of(path: str) -> tuple[str, ...]:
    """Those of a model that does not compile because of its muscles: without them it may."""
    import mujoco

    spec = mujoco.MjSpec.from_file(path)
    names = {part.target for part in spec.actuators if part.trntype == mujoco.mjtTrn.mjTRN_TENDON}
    for part in (*spec.sensors, *spec.keys, *spec.actuators):
        spec.delete(part)
    try:
        return _zero_tendons(spec.compile(), names)
    except ValueError:
        return ()
