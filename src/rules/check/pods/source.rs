//! The sources of a volume.

use crate::json::Json;
use crate::k8s::json::given;

/// The sources that every supported release of Kubernetes knows (1.30, `core/v1/types.go`, `VolumeSource`).
pub(super) const SOURCES: [&str; 29] = [
    "awsElasticBlockStore",
    "azureDisk",
    "azureFile",
    "cephfs",
    "cinder",
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "fc",
    "flexVolume",
    "flocker",
    "gcePersistentDisk",
    "gitRepo",
    "glusterfs",
    "hostPath",
    "iscsi",
    "nfs",
    "persistentVolumeClaim",
    "photonPersistentDisk",
    "portworxVolume",
    "projected",
    "quobyte",
    "rbd",
    "scaleIO",
    "secret",
    "storageos",
    "vsphereVolume",
];

/// The only source of a volume, with its key. A volume with several has none that counts.
pub(super) fn only_source(volume: Json<'_>) -> Option<(&'static str, Json<'_>)> {
    let mut sources = SOURCES.into_iter().filter_map(|key| Some((key, given(volume, key)?)));
    let source = sources.next()?;
    sources.next().is_none().then_some(source)
}
