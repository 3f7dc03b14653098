"""Trial of an untrusted model in a separate process, which may crash, hang or run out of memory.

`try_model` starts the process, in which `main` compiles and steps the model and prints the outcome
as one line of JSON (`Trial`). The process limits its memory and processor time, and leaves neither
a core dump nor MuJoCo's log behind.
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
"""[s] Time limit for compiling a model and `STEPS` steps; chosen, MyoHand takes 0.6 s."""

MEMORY_BYTES = 4 * 2**30
"""[bytes] Address space for the model in addition to that of Python and MuJoCo; chosen, MyoHand
takes 0.1 GB."""

STEPS = 5
"""Simulation steps that are tried; chosen."""

SHORTEST_TENDON = 1e-6
"""[m] A shorter path counts as one without length; chosen."""

_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}


@dataclass(frozen=True)
class Trial:
    """Outcome of a trial."""

    problem: str | None = None
    """Error message if the model does not compile or step."""

    zero_tendons: tuple[str, ...] = ()
    """Names of tendons whose path has no length."""


def try_model(path: Path) -> Trial:
    """Compiles and steps a model in a separate process.

    A crash, a hang and a lack of memory are reported like other problems.
    """
    # The package is appended to the search path, so that it is found however it is installed and
    # shadows nothing.
    package_root = str(Path(__file__).resolve().parents[3])
    code = f"import sys; sys.path.append({package_root!r}); "
    code += f"from {__name__} import main; main(sys.argv[1])"
    command = [sys.executable, "-c", code, str(path.resolve())]
    try:
        # On a fatal error MuJoCo writes its log to the current folder.
        with tempfile.TemporaryDirectory() as folder:
            run = subprocess.run(
                command,
                cwd=folder,
                env=os.environ | _ONE_THREAD,
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
        outcome = json.loads(lines[-1])
        return Trial(outcome["problem"], tuple(outcome["zero_tendons"]))
    if run.returncode == 0 or b"MemoryError" in run.stderr or b"bad_alloc" in run.stderr:
        return Trial(f"MuJoCo needs more than {MEMORY_BYTES / 2**30:.0f} GB of memory for it")
    ending = " ".join(run.stderr.decode(errors="replace").split("\n")[-2:])
    return Trial(f"MuJoCo crashes on it (exit code {run.returncode}) {ending}".rstrip())


def main(path: str) -> None:
    """Runs in the process: tries one model and writes the outcome to stdout as a line of JSON."""
    import mujoco

    _limit()
    mujoco.set_mju_user_warning(lambda text: None)
    sys.stdout.write(f"\n{json.dumps(asdict(_try_here(path)))}\n")


def _limit() -> None:
    """Limits memory and time of this process, if the system can."""
    try:
        import resource
    except ImportError:  # not on Windows
        return
    limits = {"RLIMIT_CORE": 0, "RLIMIT_CPU": int(2 * SECONDS)}
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        limits["RLIMIT_AS"] = pages * resource.getpagesize() + MEMORY_BYTES
    except OSError:  # only Linux reports the present size
        limits["RLIMIT_DATA"] = 2 * MEMORY_BYTES
    for name, value in limits.items():
        number = getattr(resource, name)
        hard = resource.getrlimit(number)[1]
        soft = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(number, (soft, hard))


def _try_here(path: str) -> Trial:
    import warnings

    import mujoco

    warnings.simplefilter("ignore")
    spec = None
    try:
        spec = mujoco.MjSpec.from_file(path)
        try:
            model = spec.compile()
        except ValueError as error:
            zero = _zero_tendons_of(path) if "lengthrange" in str(error) else ()
            return Trial(_refusal(error, spec), zero)
        zero = _zero_tendons(model, {tendon.name for tendon in map(model.tendon, _pulled(model))})
        data = mujoco.MjData(model)
        mujoco.mj_step(model, data, STEPS)
    except MemoryError:
        return Trial(f"MuJoCo needs more than {MEMORY_BYTES / 2**30:.0f} GB of memory for it")
    except Exception as error:
        return Trial(_refusal(error, spec))
    return Trial(None, zero)


def _refusal(error: Exception, spec: Any) -> str:
    """MuJoCo's reason, with names of parts where there is a spec."""
    from musclehand.body.untrusted.part_names import name_parts

    message = str(error).removeprefix("XML ").removeprefix("Error: ") or type(error).__name__
    return f"MuJoCo does not take it: {message if spec is None else name_parts(message, spec)}"


def _pulled(model: Any) -> list[int]:
    """Ids of the tendons that actuators pull."""
    import mujoco

    on_tendon = model.actuator_trntype == mujoco.mjtTrn.mjTRN_TENDON
    return [int(i) for i in model.actuator_trnid[on_tendon, 0]]


def _zero_tendons(model: Any, names: set[str]) -> tuple[str, ...]:
    """The named tendons whose path has no length in the model's default posture."""
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
    """The tendons without length of a model that compiles only without its muscles."""
    import mujoco

    spec = mujoco.MjSpec.from_file(path)
    names = {part.target for part in spec.actuators if part.trntype == mujoco.mjtTrn.mjTRN_TENDON}
    for part in (*spec.sensors, *spec.keys, *spec.actuators):
        spec.delete(part)
    try:
        return _zero_tendons(spec.compile(), names)
    except ValueError:
        return ()
