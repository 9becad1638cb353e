"""What Ray itself makes of a Serve config: the keys that its releases know, and their verdicts on generated configs.

    python3 tests/serve_config/ask_ray.py table > src/ray/serve_config/keys.rs && rustfmt src/ray/serve_config/keys.rs
    python3 tests/serve_config/ask_ray.py record < CONFIGS > ANSWERS

The second command is run by `RAYGATE_BLESS=1 cargo test --test serve_config`. Both need Python 3.11 and install the
releases with pip into a folder of the user's cache, about 1 GB, or into the folder that RAYGATE_RAY names.
`describe` and `judge` do the work of one release; the other two call them once for each.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

# Oldest first. The first five read a config with pydantic 1, the last with pydantic 2.
RELEASES = ["2.9.3", "2.20.0", "2.35.0", "2.46.0", "2.52.1", "2.60.0"]

# Read by Serve's controller after the endpoint took the config: a wrong one makes the application DEPLOY_FAILED.
READ_LATER = {("DeploymentSchema", "autoscaling_config"): "AutoscalingConfig"}


def interpreter(release):
    """The command and environment of a Python that has the release. The dependencies are those of the newest one."""
    folder = Path(os.environ.get("RAYGATE_RAY") or Path.home() / ".cache" / "raygate-ray")
    python = folder / "venv" / "bin" / "python"
    pip = [python, "-m", "pip", "install", "--quiet"]
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
        subprocess.run([*pip, f"ray[serve]=={RELEASES[-1]}"], check=True)
    if release == RELEASES[-1]:
        return python, os.environ
    target = folder / release
    if not target.exists():
        subprocess.run([*pip, "--no-deps", "--target", target, f"ray=={release}"], check=True)
    return python, {**os.environ, "PYTHONPATH": str(target)}


def ask(release, mode, text=""):
    python, environment = interpreter(release)
    done = subprocess.run(
        [python, __file__, mode], input=text, env=environment, stdout=subprocess.PIPE, check=True, text=True
    )
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith(("{", "["))]


# One release: `describe` and `judge`.


def fields(model):
    """The fields of a model, and which pydantic they are of."""
    second = getattr(model, "model_fields", None)
    return (second, 2) if isinstance(second, dict) else (model.__fields__, 1)


def bounds(constraints):
    """`gt`, `ge` and `le` of a field or type, where they are set."""
    found = {}
    for key in ("gt", "ge", "le"):
        value = getattr(constraints, key, None)
        if value is not None:
            found[key] = value
    return found


def describe_type(annotation, limits, models):
    """A type as the Rust table has it: a name, or a list of a name and its parts."""
    import enum
    import types
    import typing

    from pydantic import BaseModel as Second
    from pydantic import Strict
    from pydantic.v1 import BaseModel as First

    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        inner, *metadata = arguments
        limits = dict(limits)
        for part in metadata:
            limits.update(bounds(part))
            limits.update(bounds(getattr(part, "metadata", None)))
            if isinstance(part, Strict):
                limits["strict"] = True
        return describe_type(inner, limits, models)
    if origin in (typing.Union, types.UnionType):
        parts = [describe_type(part, limits, models) for part in arguments]
        if any(part[0] == "Model" for part in parts):
            parts = [part for part in parts if part[0] != "Dict"]
        parts = [part for index, part in enumerate(parts) if part != ["None"] and part not in parts[:index]]
        return ["OneOf", *parts] if len(parts) > 1 else parts[0]
    if origin is typing.Literal or annotation is typing.Any:
        return ["Any"]
    if origin in (list, tuple):
        return ["List", describe_type(arguments[0], {}, models)]
    if origin is dict:
        inner = describe_type(arguments[1], {}, models) if arguments else ["Any"]
        return ["Dict"] if inner == ["Any"] else ["Map", inner]
    if annotation in (dict, typing.Dict):
        return ["Dict"]
    if annotation is type(None) or annotation is type or origin is type:
        return ["None"]
    if isinstance(annotation, type):
        if issubclass(annotation, (First, Second)):
            models.append(annotation)
            return ["Model", annotation.__name__]
        if issubclass(annotation, enum.Enum):
            return ["Enum", *sorted(member.value for member in annotation)]
        if annotation is bool:
            return ["Bool"]
        if issubclass(annotation, (int, float)):
            limits = {**limits, **bounds(annotation)}
            strict = limits.pop("strict", False) or getattr(annotation, "strict", None)
            if issubclass(annotation, int):
                # Of whole numbers, what is above 0 is at least 1.
                if "gt" in limits:
                    limits["ge"] = limits.pop("gt") + 1
                return ["Strict" if strict else "Int", limits]
            return ["Float", limits]
        if issubclass(annotation, str):
            return ["Str"]
        return ["None"]
    if "Callable" in str(annotation):
        return ["None"]
    return ["Any"]


def describe_model(model, models):
    """What a model knows: whether it forbids other keys, and for each key its type and whether it is required."""
    import typing

    hints = typing.get_type_hints(model, include_extras=True)
    known, version = fields(model)
    described = {}
    for key, field in known.items():
        later = READ_LATER.get((model.__name__, key))
        if version == 2:
            limits, required = {}, field.is_required()
            for part in field.metadata:
                limits.update(bounds(part))
                if type(part).__name__ == "Strict":
                    limits["strict"] = True
            allows_null = "None" in str(hints[key]) or "Optional" in str(hints[key]) or hints[key] is typing.Any
        else:
            limits, required = bounds(field.field_info), bool(field.required)
            allows_null = field.allow_none
        if later:
            import ray.serve.config

            models.append(getattr(ray.serve.config, later))
            kind = ["Model", later]
        else:
            kind = describe_type(hints[key], limits, models)
        described[key] = {"kind": kind, "null": allows_null, "required": required}
    config = model.model_config if version == 2 else model.__config__
    extra = config.get("extra") if version == 2 else config.extra.value
    return {"forbids": extra == "forbid", "fields": described}


def describe():
    from ray.serve.schema import ServeDeploySchema

    waiting, described = [ServeDeploySchema], {}
    while waiting:
        model = waiting.pop(0)
        if model.__name__ not in described:
            described[model.__name__] = describe_model(model, waiting)
    print(json.dumps({"models": described, "protocols": protocols()}))


def protocols():
    try:
        from ray._common.runtime_env_uri import Protocol
    except ImportError:
        from ray._private.runtime_env.packaging import Protocol
    return sorted(protocol.value for protocol in Protocol)


def unknown(value, model, path, found):
    """Collects the paths of keys that a model and the models within it do not know."""
    models = []
    described = describe_model(model, models)["fields"]
    by_name = {inner.__name__: inner for inner in models}
    for key, inner in value.items() if isinstance(value, dict) else ():
        place = f"{path}.{key}" if path else key
        if key not in described:
            found.append(place)
            continue
        kind, places = described[key]["kind"], [(inner, place)]
        if kind[0] == "List" and isinstance(inner, list):
            kind, places = kind[1], [(item, f"{place}[{index}]") for index, item in enumerate(inner)]
        parts = kind[1:] if kind[0] == "OneOf" else [kind]
        for part in parts:
            if part[0] == "Model":
                for item, place in places:
                    unknown(item, by_name[part[1]], place, found)


def check_installers(environment):
    """Serve makes an environment of this when it deploys the application."""
    from ray.runtime_env import RuntimeEnv

    if isinstance(environment, dict):
        RuntimeEnv(**{key: environment[key] for key in ("pip", "uv", "conda") if key in environment})


def judge():
    from ray.serve._private.utils import DEFAULT
    from ray.serve.config import AutoscalingConfig
    from ray.serve.schema import ServeDeploySchema, _route_prefix_format

    read = getattr(ServeDeploySchema, "model_validate", None) or ServeDeploySchema.parse_obj
    for line in sys.stdin:
        value = json.loads(line)
        found = []
        unknown(value, ServeDeploySchema, "", found)
        try:
            config = read(json.loads(line))
            # The endpoint takes any prefix; then the status of the application cannot be read any more.
            for app in config.applications:
                _route_prefix_format(None, app.route_prefix)
                check_installers(app.runtime_env)
            for deployment in (each for app in config.applications for each in app.deployments):
                options = deployment.ray_actor_options
                check_installers(getattr(options, "runtime_env", None))
                autoscaling = deployment.autoscaling_config
                if autoscaling in (None, DEFAULT.VALUE):
                    continue
                if not isinstance(autoscaling, dict):
                    autoscaling = autoscaling.dict(exclude_unset=True)
                if deployment.num_replicas == "auto":
                    autoscaling = {**AutoscalingConfig.default().dict(), **autoscaling}
                AutoscalingConfig(**autoscaling)
            error = ""
        except Exception as failure:  # any failure: the endpoint or the controller fails with it
            error = f"{type(failure).__name__}: {failure}".replace("\n", " ")
        print(json.dumps({"ok": not error, "unknown": found, "error": error}))


# All releases: `table` and `record`.


def rust(kind):
    """A type as Rust source."""
    name, *parts = kind
    if name in ("Any", "Str", "Bool", "Dict"):
        return f"Kind::{name}"
    if name in ("Int", "Strict", "Float"):
        parts = [
            f"Some({float(parts[0][key])!r})" if key in parts[0] else "None"
            for key in ("ge", "gt", "le")
        ]
        numbers = {"Int": "Whole::Lax", "Strict": "Whole::Strict", "Float": "Whole::No"}[name]
        return f"Kind::Number(Number {{ whole: {numbers}, least: {parts[0]}, above: {parts[1]}, most: {parts[2]} }})"
    if name in ("List", "Map"):
        return f"Kind::{name}(&{rust(parts[0])})"
    if name == "Model":
        return f'Kind::Model("{parts[0]}")'
    if name == "Enum":
        return "Kind::Enum(&[{}])".format(", ".join(f'"{part}"' for part in parts))
    if name == "OneOf":
        return "Kind::OneOf(&[{}])".format(", ".join(rust(part) for part in parts if part != ["None"]))
    raise ValueError(f"a type that the table has no word for: {kind}")


def mask(flags):
    return "Releases(0b{})".format("".join("1" if flag else "0" for flag in reversed(list(flags))))


def table():
    described = [ask(release, "describe")[0] for release in RELEASES]
    names = sorted({name for one in described for name in one["models"]})
    print("//! The keys of a Serve config and the types of their values, as Ray's own models have them.")
    print("//!")
    print("//! Made by `python3 tests/serve_config/ask_ray.py table` from `ray.serve.schema.ServeDeploySchema` of the releases in")
    print("//! [`RELEASES`]; do not edit.")
    print("\nuse super::kinds::{Field, Kind, Model, Number, Protocol, Releases, Typed, Whole};\n")
    print("/// The releases of Ray whose models were read, oldest first: the first is the lowest bit of [`Releases`].")
    print("pub const RELEASES: [&str; {}] = [{}];\n".format(len(RELEASES), ", ".join(f'"{one}"' for one in RELEASES)))
    print("/// The releases that read a config with pydantic 1, which converts more than pydantic 2.")
    print(f"pub const PYDANTIC_1: Releases = {mask(release != RELEASES[-1] for release in RELEASES)};\n")
    print("/// The protocols of the URIs in a `runtime_env`.")
    print("pub static PROTOCOLS: &[Protocol] = &[")
    for name in sorted({name for one in described for name in one["protocols"]}):
        known = mask(name in one["protocols"] for one in described)
        print(f'    Protocol {{ name: "{name}", known: {known} }},')
    print("];\n")
    print("/// The models, by name.")
    print("pub static MODELS: &[Model] = &[")
    for name in names:
        models = [one["models"].get(name) for one in described]
        print(f'    Model {{ name: "{name}", known: {mask(models)},')
        print(f"        forbids: {mask(model and model['forbids'] for model in models)}, fields: &[")
        for key in sorted({key for model in models if model for key in model["fields"]}):
            fields_of = [model and model["fields"].get(key) for model in models]
            print(f'        Field {{ key: "{key}", known: {mask(fields_of)},')
            print(f"            required: {mask(field and field['required'] for field in fields_of)},")
            print(f"            nullable: {mask(field and field['null'] for field in fields_of)}, types: &[")
            kinds = []
            for field in fields_of:
                if field and field["kind"] not in kinds:
                    kinds.append(field["kind"])
            for kind in kinds:
                known = mask(field and field["kind"] == kind for field in fields_of)
                print(f"            Typed {{ known: {known}, kind: {rust(kind)} }},")
            print("        ] },")
        print("    ] },")
    print("];")


def record():
    configs = sys.stdin.read()
    answers = [ask(release, "judge", configs) for release in RELEASES]
    for answer in zip(*answers):
        rejected = "".join("0" if one["ok"] else "1" for one in reversed(answer))
        unknown_to_all = [path for path in answer[0]["unknown"] if all(path in one["unknown"] for one in answer)]
        print(" ".join([rejected, *sorted(unknown_to_all)]))


if __name__ == "__main__":
    {"describe": describe, "judge": judge, "table": table, "record": record}[sys.argv[1]]()
