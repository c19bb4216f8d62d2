"""What W&B's own Python client does with a server: `client.py COMMAND [ARGUMENTS]`; one JSON value on standard output."""

import json
import os
import sys
import tempfile

import wandb

WORK = tempfile.mkdtemp(prefix="titrate-wandb-")
os.environ.setdefault("WANDB_CACHE_DIR", os.path.join(WORK, "cache"))
os.chdir(WORK)
QUIET = wandb.Settings(
    console="off",
    silent=True,
    disable_git=True,
    disable_code=True,
    x_disable_stats=True,
    x_disable_meta=True,
)


def described(artifact):
    """Downloads and verifies an artifact, and says what it was."""
    folder = artifact.download(root=tempfile.mkdtemp(dir=WORK))
    artifact.verify(folder)
    files = {}
    for root, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(root, name)
            with open(path, encoding="utf8") as file:
                files[os.path.relpath(path, folder)] = file.read()
    return {
        "type": artifact.type,
        "version": artifact.version,
        "aliases": sorted(artifact.aliases),
        "metadata": artifact.metadata,
        "digest": artifact.digest,
        "madeBy": artifact.logged_by().id,
        "files": files,
    }


def run_there(path):
    run = wandb.Api().run(path)
    tables = {}
    # _json_dict: the summary as it came, where run.summary wraps what is nested.
    summary = run.summary._json_dict
    for key, value in summary.items():
        if isinstance(value, dict) and value.get("_type") == "table-file":
            with run.file(value["path"]).download(root=WORK, replace=True) as file:
                tables[key] = json.load(file)
    return {
        "id": run.id,
        "name": run.name,
        "group": run.group,
        "jobType": run.job_type,
        "tags": run.tags,
        "notes": run.notes,
        "state": run.state,
        "config": run.config,
        "charts": run.rawconfig.get("_wandb", {}).get("visualize", {}),
        "summary": {k: v for k, v in summary.items() if k not in tables},
        "history": [{k: v for k, v in row.items() if not isinstance(v, dict)} for row in run.scan_history()],
        "tables": tables,
        "used": [artifact.name for artifact in run.used_artifacts()],
        "logged": [artifact.name for artifact in run.logged_artifacts()],
    }


def log_alone(project):
    """Logs a run and two versions of an artifact the way a user of the Python client would."""
    table = wandb.Table(columns=["observed", "predicted"], data=[[1, 1.5], [2, 2.25]])
    with wandb.init(
        entity="chemists",
        project=project,
        id="alone",
        name="alone",
        group="a group",
        job_type="training",
        tags=["one"],
        notes="by itself",
        config={"rate": 0.1, "deep": {"layers": [1, 2]}},
        settings=QUIET,
    ) as run:
        for step in range(3):
            run.log({"loss": 1 / (step + 1)}, step=step)
        run.log({"held-out": wandb.plot.scatter(table, "observed", "predicted", title="Held-out")}, step=3)
        run.summary["best"] = 0.5
        for content in ("first", "second"):
            artifact = wandb.Artifact("weights", "model", metadata={"content": content})
            with artifact.new_file("folder/weights.bin") as file:
                file.write(content)
            run.log_artifact(artifact, aliases=["candidate"]).wait()
    return None


COMMANDS = {
    "log": log_alone,
    "run": run_there,
    "artifact": lambda name: described(wandb.Api().artifact(name)),
    "digest": lambda path: digest_of(path),
    "runs": lambda path, group: sorted(run.id for run in wandb.Api().runs(path, filters={"group": group})),
}


def digest_of(path):
    """Digest the client itself gives the files of a folder."""
    artifact = wandb.Artifact("anything", "model")
    artifact.add_dir(path)
    return artifact.digest


def main():
    answer = []
    for line in json.load(sys.stdin):
        answer.append(COMMANDS[line[0]](*line[1:]))
    json.dump(answer, sys.stdout)


main()
