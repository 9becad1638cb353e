"""What Ray itself makes of a runtime environment: the verdicts of its releases on generated ones.

    python3 tests/runtime_env/ask_ray.py record < ENVIRONMENTS > ANSWERS

`RAYGATE_BLESS=1 cargo test --test runtime_env` runs this command. The releases are those of
`tests/serve_config/ask_ray.py`, which also says what is installed and where. `judge` does the work of one release;
`record` calls it once for each.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "serve_config"))
from ask_ray import RELEASES, interpreter  # noqa: E402


def world_with_everything():
    """From here on, every path leads to a file and to a directory."""

    def is_file(path):
        return any(part not in ("..", "/") for part in path.parts)

    pathlib.Path.exists = lambda path, **_: True
    pathlib.Path.is_dir = lambda path, **_: True
    pathlib.Path.is_file = is_file
    pathlib.Path.read_text = lambda path, *_, **__: "numpy"
    pathlib.Path.read_bytes = lambda path: b"numpy"
    pathlib.Path.resolve = lambda path, **_: path


def stub_packaging():
    """Neither hashes directories nor sends packages; only asks whether they are there."""
    from ray._private.runtime_env import py_modules, working_dir
    from ray.dashboard.modules import dashboard_sdk

    def directory(path, *_, **__):
        if not pathlib.Path(path).absolute().is_dir():
            raise ValueError(f"{path} is not a directory")
        return "gcs://_ray_pkg_0.zip"

    def file(path, *_):
        if not pathlib.Path(path).is_file():
            raise ValueError(f"{path} is not a file")
        return "gcs://_ray_pkg_0.zip"

    def upload(_, package_path, **__):
        if not pathlib.Path(package_path).exists():
            raise FileNotFoundError(package_path)

    for module in (py_modules, working_dir):
        module.get_uri_for_directory = directory
        if hasattr(module, "get_uri_for_file"):
            module.get_uri_for_file = file
    dashboard_sdk.SubmissionClient._upload_package_if_needed = upload


class Sent(Exception):
    """The client sends the job."""


def submit(environment):
    """What `ray job submit` does before it sends the job."""
    from ray.job_submission import JobSubmissionClient

    class Client(JobSubmissionClient):
        def __init__(self):
            self._default_metadata = {}

        def _do_request(self, *_, **__):
            raise Sent

    try:
        Client().submit_job(entrypoint="true", runtime_env=environment)
    except Sent:
        pass


def post(environment):
    """What Ray's dashboard does with the environment of a job that is posted to it."""
    import ray._private.utils as utils

    if hasattr(utils, "parse_runtime_env_for_task_or_actor"):
        utils.parse_runtime_env_for_task_or_actor(environment)
    else:
        utils.parse_runtime_env(environment)


def judge():
    from ray.runtime_env import RuntimeEnv

    stub_packaging()
    environments = [json.loads(line) for line in sys.stdin]
    # Ray's own names of keys begin with an underscore where the argument has another one.
    arguments = {"nsight", "rocprof_sys"} if "_rocprof_sys" in RuntimeEnv.known_fields else {"nsight"}
    known = set(RuntimeEnv.known_fields) | arguments
    ways = {"submit": submit, "post": post}

    def verdicts():
        found = []
        for environment in environments:
            verdict = {}
            for way, ask in ways.items():
                try:
                    ask(json.loads(json.dumps(environment)))
                    verdict[way] = ""
                except Exception as failure:  # any failure: the job fails with it
                    verdict[way] = f"{type(failure).__name__}: {failure}".replace("\n", " ")
            found.append(verdict)
        return found

    with tempfile.TemporaryDirectory() as empty:
        os.chdir(empty)
        with_nothing = verdicts()
        world_with_everything()
        with_everything = verdicts()
        os.chdir("/")
        for environment, bare, full in zip(environments, with_nothing, with_everything):
            unknown = sorted(set(environment) - known)
            print(json.dumps({"bare": bare, "full": full, "unknown": unknown}), flush=True)
        os.rmdir(empty)
        # Nothing else can be cleaned up: paths cannot be told apart any more.
        os._exit(0)


def ask(release, text):
    python, environment = interpreter(release)
    command = [python, __file__, "judge"]
    done = subprocess.run(command, input=text, env=environment, stdout=subprocess.PIPE, check=True, text=True)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def record():
    """A line for each environment: for a submission and for a posted job, the releases that reject it whatever files there
    are, and those that only reject it without the files; the newest release first. Then the keys that not all of them
    know, with the releases that do not."""
    text = sys.stdin.read()
    answers = [ask(release, text) for release in RELEASES]
    for number, answer in enumerate(zip(*answers)):
        masks = []
        for way in ("submit", "post"):
            full = [bool(one["full"][way]) for one in reversed(answer)]
            bare = [bool(one["bare"][way]) for one in reversed(answer)]
            assert all(b or not f for b, f in zip(bare, full)), (number, answer)
            masks.append("".join("1" if one else "0" for one in full))
            masks.append("".join("1" if b and not f else "0" for b, f in zip(bare, full)))
        for key in sorted({key for one in answer for key in one["unknown"]}):
            masks.append(key + ":" + "".join("1" if key in one["unknown"] else "0" for one in reversed(answer)))
        print(" ".join(masks))


if __name__ == "__main__":
    {"judge": judge, "record": record}[sys.argv[1]]()
