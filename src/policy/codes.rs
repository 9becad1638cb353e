//! The diagnostics of reading policies, a page each.

use crate::diag::CodePage;

pub(super) const NOT_A_POLICY: &str = "RP101";
pub(super) const UNKNOWN_KEY: &str = "RP102";
pub(super) const WRONG_TYPE: &str = "RP103";
pub(super) const NULL: &str = "RP104";
pub(super) const MISSING_KEY: &str = "RP105";
pub(super) const BAD_VALUE: &str = "RP106";
pub(super) const DUPLICATE_NAME: &str = "RP201";
pub(super) const SECOND_FACT: &str = "RP202";
pub(super) const CONFLICT: &str = "RP203";
pub(super) const UNKNOWN_CODE: &str = "RP204";
pub(super) const CANNOT_FIX: &str = "RP205";
pub(super) const UNKNOWN_ACCELERATOR: &str = "RP206";
pub(super) const UNKNOWN_LEAF: &str = "RP207";
pub(super) const NOTHING_LOADED: &str = "RP208";
pub(super) const NOT_SPECIFIC: &str = "RP209";
pub(super) const CANNOT_WAIVE: &str = "RP210";
pub(super) const UNKNOWN_RULE: &str = "RP211";
pub(super) const GRANTS_NOTHING: &str = "RP212";
pub(super) const ENDED: &str = "RP213";
pub(super) const ENDS_SOON: &str = "RP214";
pub(super) const EMPTY_FILE: &str = "RP215";
pub(crate) const IGNORED_FILE: &str = "RP216";
pub(crate) const NO_FILES: &str = "RP217";
pub(super) const LABEL_ESCAPES: &str = "RP218";
pub(super) const BAD_EXPRESSION: &str = "RP301";

/// Every code of this module, in order.
pub const CODES: &[CodePage] = &[
    CodePage {
        code: NOT_A_POLICY,
        title: "the document is no policy",
        text: "Every document of a policy file is a mapping with `apiVersion: raygate.dev/v1beta1` and a `kind` of \
               Platform, RayPolicy or Exemption. Tests belong into files that end in `.test.yaml`.",
    },
    CodePage {
        code: UNKNOWN_KEY,
        title: "a key that the policy language does not have",
        text: "An unknown key would have no effect, so it is an error. `raygate explain Platform`, `raygate explain RayPolicy` and \
               `raygate explain Exemption` list the keys of each kind of document.",
    },
    CodePage {
        code: WRONG_TYPE,
        title: "a value of the wrong type",
        text: "Numbers and booleans are written without quotes, texts that look like one with quotes. Start parameters \
               and labels are texts: `num-cpus: \"0\"`.",
    },
    CodePage {
        code: NULL,
        title: "a key without a value",
        text: "A key without a value is usually a line that was meant to be filled in. Leave the key out, or give it a \
               value.",
    },
    CodePage {
        code: MISSING_KEY,
        title: "a key is missing",
        text: "The document cannot be used without this key.",
    },
    CodePage {
        code: BAD_VALUE,
        title: "a value that is not legal here",
        text: "The value has the right type and is out of its range, or has not the form that is wanted.",
    },
    CodePage {
        code: DUPLICATE_NAME,
        title: "two documents or rules have the same name",
        text: "The names of policies, exemptions and rules stand in logs, metrics and denials. Each is unique among its \
               kind, in all files.",
    },
    CodePage {
        code: SECOND_FACT,
        title: "two Platforms set the same fact",
        text: "Several documents of kind Platform may each give a part of the platform's facts, but no fact two values. An \
               accelerator is one fact, with all that stands below its name. Take one of the two out.",
    },
    CodePage {
        code: CONFLICT,
        title: "two policies set the same leaf",
        text: "Two policies of equal priority set one leaf to different values, and a RayJob may match both. Give one of \
               them a higher `priority`, or make their `match` exclude each other.",
    },
    CodePage {
        code: UNKNOWN_CODE,
        title: "a code that no check has",
        text: "`raygate explain` lists the codes.",
    },
    CodePage {
        code: CANNOT_FIX,
        title: "a check that cannot repair",
        text: "The action `Fix` is for checks for which one repair is plainly meant. `raygate explain` says for each \
               check whether it can repair.",
    },
    CodePage {
        code: UNKNOWN_ACCELERATOR,
        title: "an accelerator that the Platform does not have",
        text: "The value of an entry of `defaults.accelerators` is the name of a kind in `Platform.spec.accelerators`, and \
               that kind is for the same resource. A key of `limits.accelerators` is the name of a kind too.",
    },
    CodePage {
        code: UNKNOWN_LEAF,
        title: "a leaf that the policy language does not have",
        text: "`unset` names leaves of `defaults` and `force`, by their keys joined with dots, or everything below a key.",
    },
    CodePage {
        code: NOTHING_LOADED,
        title: "no policy was found",
        text: "The policy directories hold no document of kind RayPolicy. Files are read that end in `.yaml`, except \
               `.test.yaml`, `kustomization.yaml` and what begins with a dot.",
    },
    CodePage {
        code: NOT_SPECIFIC,
        title: "an exemption for everybody",
        text: "An exemption is for somebody: its `match` names a project, a namespace or a user, each by more than \
               wildcards. Put rules for everybody into a RayPolicy.",
    },
    CodePage {
        code: CANNOT_WAIVE,
        title: "a check that cannot be waived",
        text: "The checks RG1xx find what KubeRay itself refuses. Without the check the object would be stored and fail \
               later, with less to read. Where such a check is wrong, a RayPolicy can turn it off with `actions`.",
    },
    CodePage {
        code: UNKNOWN_RULE,
        title: "a rule that no policy has",
        text: "`rule/NAME` names a rule by its `name` in the `rules` of some RayPolicy.",
    },
    CodePage {
        code: GRANTS_NOTHING,
        title: "an exemption that grants nothing",
        text: "An exemption waives findings with `waive`, raises limits with `raise`, or both. One that does neither can \
               be taken out.",
    },
    CodePage {
        code: ENDED,
        title: "an exemption that has ended",
        text: "An exemption holds to the end of the day in `expires`, UTC. After it the exemption does nothing, and what it \
               let through is refused again: RayJobs that are made or changed then, not those that run.",
    },
    CodePage {
        code: ENDS_SOON,
        title: "an exemption that ends soon",
        text: "The exemption ends within fourteen days. Its owner gives it a later day, or lets it end.",
    },
    CodePage {
        code: EMPTY_FILE,
        title: "A policy file must contain a document",
        text: "A file without documents looks like a write that failed, and the policies that it held would disappear \
               silently. So it is an error, also if it contains only comments. To remove the policies of a file, delete \
               the file.",
    },
    CodePage {
        code: IGNORED_FILE,
        title: "Policy files must end in `.yaml`",
        text: "The file is ignored, so its policies have no effect. raygate reports files that end in `.yml` or in \
               another spelling of `.yaml`, and files of any other name that contain `raygate.dev/v` in their first 64 \
               KiB, such as `caps.json` or `caps.yaml.bak`. Tests (`.test.yaml`), `kustomization.yaml`, `.md`, \
               `.example` and names that begin with a dot are not reported. Rename the file to `.yaml`, or move it out \
               of the policy directory. A file that `--policies` names itself may have any name.",
    },
    CodePage {
        code: NO_FILES,
        title: "Policy directories must contain policy files",
        text: "The directory contains no policy file, at any depth. Files are read if they end in `.yaml`, except \
               `.test.yaml`, `kustomization.yaml` and names that begin with a dot. Check the path and the volume. \
               It is an error if no directory contains a policy file, or if a running server loses the last policy file \
               of a directory: the last good policies then stay in use. `raygate serve --allow-empty` accepts both.",
    },
    CodePage {
        code: LABEL_ESCAPES,
        title: "A policy that matches by project or domain needs `flyte.namespace` in the Platform",
        text: "Project and domain are labels, which the author of a RayJob can leave out. Without `flyte.namespace`, raygate \
               cannot derive them from the namespace, and the object escapes what the policy enforces. Set the template in \
               the Platform, for example `flyte: {namespace: \"{project}-{domain}\"}`, with the parts that the policy matches \
               by. Or match by `namespaces`. A policy that sets nothing but defaults needs no template.",
    },
    CodePage {
        code: BAD_EXPRESSION,
        title: "an expression that cannot be used",
        text: "An expression is not legal CEL, names a variable, function or field that does not exist, or is too large. \
               The page on expressions lists what there is.",
    },
];
