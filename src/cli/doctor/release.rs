//! Which KubeRay is installed, next to the release that the Platform names.

use kube::Client;
use serde_json::Value;

use crate::cluster::objects;
use crate::k8s::image::Image;
use crate::ray::KubeRay;
use crate::ray::kind::RAY_JOB;

use super::{Findings, list};

const CHECK: &str = "kuberay-release";
/// KubeRay's operators: the labels of its chart and of its kustomization (KubeRay 1.7).
const OPERATORS: &str =
    "/apis/apps/v1/deployments?labelSelector=app.kubernetes.io%2Fname%20in%20%28kuberay,kuberay-operator%29";
const CRD: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/rayjobs.ray.io";

/// A field of the RayJob's CRD that each release was the first to have, newest first: below `properties` of the cluster's
/// spec, or of the job's.
const FIRSTS: [(Part, &str, KubeRay); 6] = [
    (Part::Cluster, "networkPolicy", KubeRay::V1_7),
    (Part::Job, "preRunningDeadlineSeconds", KubeRay::V1_6),
    (Part::Job, "deletionStrategy", KubeRay::V1_5),
    (Part::Cluster, "autoscalerOptions/properties/version", KubeRay::V1_4),
    (Part::Job, "managedBy", KubeRay::V1_3),
    (Part::Job, "backoffLimit", KubeRay::V1_2),
];

/// A part of the RayJob's spec.
#[derive(Clone, Copy)]
enum Part {
    Job,
    Cluster,
}

/// Compares what runs in the cluster with the Platform. `named` is the release that the Platform in the cluster names, and
/// `None` if raygate's policies are not in the cluster.
pub(super) async fn judge(client: &Client, named: Option<Option<KubeRay>>, findings: &mut Findings) {
    // Who may not read Deployments of all namespaces still sees the CRD.
    let operators = list(client, OPERATORS, "Deployment").await.unwrap_or_default();
    let crd = objects::get(client, CRD).await.ok().flatten();
    compare(&images(&operators), crd.as_ref().and_then(of_crd), named, findings);
}

/// The release that is installed: that of the operator, else that of the CRD.
pub(in crate::cli) async fn installed(client: &Client) -> Option<KubeRay> {
    let operators = list(client, OPERATORS, "Deployment").await.unwrap_or_default();
    if let Some(release) = images(&operators).into_iter().find_map(of_image) {
        return Some(release);
    }
    of_crd(&objects::get(client, CRD).await.ok().flatten()?)
}

/// The images of the operators.
fn images(operators: &[Value]) -> Vec<&str> {
    let image = |operator| Value::pointer(operator, "/spec/template/spec/containers/0/image")?.as_str();
    operators.iter().filter_map(image).collect()
}

fn compare(images: &[&str], crds: Option<KubeRay>, named: Option<Option<KubeRay>>, findings: &mut Findings) {
    let before = findings.0.len();
    let operators: Vec<(&str, KubeRay)> = images
        .iter()
        .filter_map(|image| Some((*image, of_image(image)?)))
        .collect();
    for (image, operator) in &operators {
        if let Some(crds) = crds.filter(|crds| crds != operator) {
            findings.warning(
                CHECK,
                format!("the operator {image} is KubeRay {operator}, and the CRDs are those of {crds}"),
                format!("# Helm does not upgrade CRDs: apply those of KubeRay {operator}"),
            );
        }
    }
    let installed = operators.first().map(|(_, release)| *release).or(crds);
    match (installed, named) {
        (Some(installed), Some(None)) => findings.note(
            CHECK,
            format!(
                "KubeRay {installed} is installed, and the Platform names no release, so rules that not every release has \
                 only warn; add kuberay: {{version: \"{installed}\"}}"
            ),
        ),
        (Some(installed), Some(Some(named))) if installed != named => findings.warning(
            CHECK,
            format!("KubeRay {installed} is installed, and the Platform names {named}"),
            format!("# change in the Platform: kuberay: {{version: \"{installed}\"}}"),
        ),
        (Some(installed), _) if findings.0.len() == before => {
            findings.ok(CHECK, format!("KubeRay {installed} is installed"));
        }
        (Some(_), _) => {}
        (None, _) => findings.note(CHECK, "neither an operator nor a CRD tells the release of KubeRay"),
    }
}

/// The release that the tag of an operator's image names.
fn of_image(image: &str) -> Option<KubeRay> {
    let tag = Image::parse(image).ok()?.tag()?;
    let is_release = tag
        .trim_start_matches('v')
        .starts_with(|first: char| first.is_ascii_digit());
    tag.parse().ok().filter(|_| is_release)
}

/// The release whose CRD this is, by its fields.
fn of_crd(crd: &Value) -> Option<KubeRay> {
    let versions = crd.pointer("/spec/versions")?.as_array()?;
    let version = versions.iter().find(|version| version["name"] == "v1")?;
    let fields = version.pointer("/schema/openAPIV3Schema/properties/spec/properties")?;
    let has = |part: Part, path: &str| {
        let pointer = match part {
            Part::Job => format!("/{path}"),
            Part::Cluster => format!("/{}/properties/{path}", RAY_JOB.cluster_field()),
        };
        fields.pointer(&pointer).is_some()
    };
    let first = FIRSTS.iter().find(|(part, path, _)| has(*part, path));
    Some(first.map_or(KubeRay::V1_1, |(_, _, release)| *release))
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;
    use serde_json::json;

    fn found(images: &[&str], crds: Option<KubeRay>, named: Option<Option<KubeRay>>) -> Vec<(Level, String)> {
        let mut findings = Findings::default();
        compare(images, crds, named, &mut findings);
        findings.0.into_iter().map(|one| (one.level, one.seen)).collect()
    }

    #[test]
    fn the_platform_is_held_against_the_operator() {
        let operator = &["quay.io/kuberay/operator:v1.6.2"];
        let (v1_6, v1_7) = (Some(KubeRay::V1_6), Some(KubeRay::V1_7));
        assert_eq!(
            found(operator, v1_6, Some(v1_6)),
            [(Level::Ok, "KubeRay 1.6 is installed".to_owned())]
        );
        assert_eq!(
            found(operator, v1_6, Some(v1_7)),
            [(
                Level::Warning,
                "KubeRay 1.6 is installed, and the Platform names 1.7".to_owned()
            )]
        );
        let unnamed = found(operator, v1_6, Some(None));
        assert!(unnamed[0].0 == Level::Note && unnamed[0].1.contains("names no release"));
        assert_eq!(found(operator, v1_6, None)[0].0, Level::Ok);
        let older = found(&["kuberay/operator:v1.7.0"], v1_6, Some(v1_7));
        assert_eq!(older.len(), 1);
        assert!(older[0].1.contains("the CRDs are those of 1.6"), "{older:?}");
        // Without a tag that tells, the CRD tells.
        assert_eq!(
            found(&["kuberay/operator:nightly", "kuberay/operator"], v1_7, Some(v1_7)),
            [(Level::Ok, "KubeRay 1.7 is installed".to_owned())]
        );
        assert_eq!(found(&[], None, Some(None))[0].0, Level::Note);
    }

    #[test]
    fn a_crd_tells_its_release() {
        let crd = |fields: Value| {
            json!({"spec": {"versions": [
                {"name": "v1alpha1"},
                {"name": "v1", "schema": {"openAPIV3Schema": {"properties": {"spec": {"properties": fields}}}}},
            ]}})
        };
        let cluster = json!({"properties": {"networkPolicy": {}}});
        for (fields, release) in [
            (json!({}), KubeRay::V1_1),
            (json!({"backoffLimit": {}, "managedBy": {}}), KubeRay::V1_3),
            (json!({"deletionStrategy": {}, "managedBy": {}}), KubeRay::V1_5),
            (json!({"preRunningDeadlineSeconds": {}}), KubeRay::V1_6),
            (
                json!({"preRunningDeadlineSeconds": {}, RAY_JOB.cluster_field(): cluster}),
                KubeRay::V1_7,
            ),
        ] {
            assert_eq!(of_crd(&crd(fields)), Some(release));
        }
        assert_eq!(of_crd(&json!({})), None);
    }
}
