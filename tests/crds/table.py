"""Makes the table of the fields in KubeRay's CRDs, which `raygate check` reads: names, types, and what is required.

    python3 tests/crds/table.py FOLDER... > src/ray/crd/table.txt

Each folder has the CRDs of one release, oldest release first, and is named like it: `1.6.2/ray.io_rayjobs.yaml`. They are
in `config/crd/bases` of the Go module github.com/ray-project/kuberay/ray-operator, and in its repository. Needs PyYAML.

The first lines name for each release the shape of each kind. Then follows one shape a line, numbered from 0:

    o FIELD:SHAPE FIELD!:SHAPE    an object with these fields; those with `!` are required
    m SHAPE                       an object with any keys
    a SHAPE KEY,KEY               a list; two elements must differ in the values of these keys, if there are any
    s i n b q x                   string, integer, number, boolean, integer or string, anything
    s=A|B                         one of these strings, by an enumeration or a CEL rule `self in [...]`
    i>=N, a>=N                    an integer of at least N, a list of at least N elements

`?` after the letter allows null. Equal shapes are one. Descriptions, formats,
patterns and other CEL rules are left out: KubeRay checks itself what those about `deletionStrategy` say (RG108 to RG115).
"""

import re
import sys
from pathlib import Path

import yaml

# The fields of ObjectMeta, which the API server knows without a CRD (k8s.io/apimachinery, meta/v1).
STRINGS = ["creationTimestamp", "deletionTimestamp", "generateName", "name", "namespace", "resourceVersion", "selfLink", "uid"]
METADATA = {
    "type": "object",
    "properties": {
        **{name: {"type": "string", "nullable": True} for name in STRINGS},
        **{name: {"type": "integer"} for name in ["deletionGracePeriodSeconds", "generation"]},
        **{name: {"type": "object", "additionalProperties": {"type": "string"}} for name in ["annotations", "labels"]},
        "finalizers": {"type": "array", "items": {"type": "string"}},
        **{name: {"type": "array", "items": {}} for name in ["managedFields", "ownerReferences"]},
    },
}
LETTERS = {"string": "s", "integer": "i", "number": "n", "boolean": "b"}

# A CEL rule that is an enumeration.
ONE_OF = re.compile(r"self in \[('[^']*'(?:, '[^']*')*)\]")

shapes = {}


def number(text):
    return shapes.setdefault(text, len(shapes))


def shape(schema):
    """The number of a schema's shape."""
    null = "?" if schema.get("nullable") else ""
    if schema.get("x-kubernetes-int-or-string"):
        return number(f"q{null}")
    kind = schema.get("type")
    least = f">={schema['minimum']:.0f}" if "minimum" in schema else ""
    if kind in LETTERS:
        values = [value for value in schema.get("enum", []) if isinstance(value, str)]
        for rule in schema.get("x-kubernetes-validations", []):
            if found := ONE_OF.fullmatch(rule["rule"]):
                values = found[1].strip("'").split("', '")
        return number(LETTERS[kind] + null + (f"={'|'.join(values)}" if values else least))
    if kind == "array":
        keys = ",".join(schema.get("x-kubernetes-list-map-keys", []))
        least = f">={schema['minItems']}" if "minItems" in schema else ""
        return number(f"a{null}{least} {shape(schema['items'])} {keys}".rstrip())
    if kind != "object" or schema.get("x-kubernetes-preserve-unknown-fields"):
        return number(f"x{null}")
    more = schema.get("additionalProperties")
    if more:
        return number(f"m{null} {shape(more) if isinstance(more, dict) else number('x')}")
    required = schema.get("required", [])
    fields = []
    for name, inner in sorted(schema.get("properties", {}).items()):
        # The API server fills in a default first.
        mark = "!" if name in required and "default" not in inner else ""
        fields.append(f"{name}{mark}:{shape(inner)}")
    return number(" ".join([f"o{null}", *fields]))


def main():
    releases = []
    for folder in map(Path, sys.argv[1:]):
        kinds = []
        for file in sorted(folder.glob("*.yaml")):
            crd = yaml.load(file.read_text(), Loader=yaml.CSafeLoader)
            if crd["kind"] != "CustomResourceDefinition":
                continue
            for version in crd["spec"]["versions"]:
                if version["name"] == "v1":
                    schema = version["schema"]["openAPIV3Schema"]
                    # The API server drops the status of what a client writes.
                    properties = {**schema["properties"], "metadata": METADATA, "status": {}}
                    kinds.append(f"{crd['spec']['names']['kind']}:{shape({**schema, 'properties': properties})}")
        releases.append(" ".join([folder.name, *kinds]))
    print("\n".join(releases))
    print()
    print("\n".join(shapes))


main()
