"""Under Slurm: stand-ins for `sbatch`, `srun` and `scontrol` run what is submitted, one task after the other."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from midfill_training.corpus.documents import read_projects
from midfill_training.corpus.pipeline import CorpusOptions, make_corpus
from midfill_training.corpus.settings import CorpusSettings, SlurmSettings
from training.planted_projects import module, write_project

SBATCH = """#!/bin/sh
for script; do :; done
cp "$script" "$script.kept"
tasks=$(sed -n 's/^#SBATCH --array=0-\\([0-9]*\\).*/\\1/p' "$script")
grep -q merge_stats "$script" && tasks=-1
grep '^#SBATCH' "$script" >> {log}
n=0
while [ "$n" -le "$tasks" ]; do
    SLURM_ARRAY_TASK_ID=$n SLURM_NODELIST=here bash "$script.kept" >> {log} 2>&1 || exit 1
    n=$((n + 1))
done
echo Submitted batch job 7
"""
SRUN = """#!/bin/sh
while [ "$1" != launch_pickled_pipeline ]; do shift; done
shift
exec {python} -c 'from datatrove.tools.launch_pickled_pipeline import main; main()' "$@"
"""


def test_slurm_runs_the_chain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = {"sbatch": SBATCH, "srun": SRUN, "scontrol": "#!/bin/sh\necho here\n"}
    for name, text in programs.items():
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text.replace("{log}", str(tmp_path / "log")).replace("{python}", sys.executable))
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    source = write_project(tmp_path / "p", {f"{n}.py": module(n) for n in range(3)})
    settings = CorpusSettings(stages=("licence", "exact"), slurm=SlurmSettings(partition="cpu", time="01:00:00"))
    options = CorpusOptions(executor="slurm", n_tasks=1)
    assert make_corpus([source], tmp_path / "out", settings, options) is not None
    make_corpus([source], tmp_path / "local", settings, replace(options, executor="local"))
    assert list(read_projects(tmp_path / "out")) == list(read_projects(tmp_path / "local"))
    log = (tmp_path / "log").read_text()
    assert "#SBATCH --partition=cpu" in log
    assert "#SBATCH --time=01:00:00" in log
