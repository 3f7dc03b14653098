"""Stages of a long computation in a folder, which resumes where it was stopped.

Every stage writes files. When all of them are complete, a line of `stages.json` binds their hashes
to the stage's inputs. A stage is done again only where its inputs or its files have changed, so a
computation that was killed at any moment ends with the same files.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from musclehand.core import interrupts
from musclehand.core.atomic import write_file
from musclehand.core.file_hash import file_sha256

STAGES_FILE = "stages.json"
"""Name of the list of finished stages."""


class Stages:
    """The finished stages of a computation in a folder."""

    def __init__(self, folder: Path) -> None:
        """Opens the list of finished stages, an empty one where there is none or it is damaged.

        Args:
            folder: an existing folder.
        """
        self.folder = folder
        self._finished: dict[str, dict[str, Any]] = {}
        try:
            content = json.loads((folder / STAGES_FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return
        if isinstance(content, dict):
            self._finished = {k: v for k, v in content.items() if isinstance(v, dict)}

    def run(
        self,
        name: str,
        compute: Callable[[], None],
        *,
        inputs: Mapping[str, Any],
        files: Sequence[str],
    ) -> bool:
        """Computes a stage, unless it is finished with the same inputs.

        Args:
            name: of the stage.
            compute: writes all of `files`, each of them atomically.
            inputs: what the files depend on; JSON values.
            files: names of the stage's files in the folder.

        Returns:
            The stage was computed now.
        """
        interrupts.check()
        key = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()
        if self._is_finished(name, key, files):
            return False
        compute()
        hashes = {file: file_sha256(self.folder / file) for file in files}
        self._finished[name] = {"inputs": key, "files": hashes}
        write_file(self.folder / STAGES_FILE, json.dumps(self._finished, indent=1, sort_keys=True))
        return True

    def has_finished(self, name: str) -> bool:
        """The stage was finished, now or in an earlier run.

        Args:
            name: of the stage.
        """
        return name in self._finished

    def hashes(self, *names: str) -> dict[str, str]:
        """Hashes of all files of finished stages, as inputs of later ones.

        Args:
            names: of the stages.
        """
        return {
            f"{name}/{file}": sha256
            for name in names
            for file, sha256 in self._finished[name]["files"].items()
        }

    def _is_finished(self, name: str, key: str, files: Sequence[str]) -> bool:
        stage = self._finished.get(name, {})
        hashes = stage.get("files")
        if stage.get("inputs") != key or not isinstance(hashes, dict) or set(hashes) != set(files):
            return False
        paths = [self.folder / file for file in files]
        return all(
            path.is_file() and file_sha256(path) == hashes[file]
            for file, path in zip(files, paths, strict=True)
        )
