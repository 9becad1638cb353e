{{/* What all objects are called by; Helm's own labels are on the objects alone, so that no upgrade restarts a pod for them. */}}
{{- define "raygate.selector" -}}
app.kubernetes.io/name: raygate
{{- end }}

{{- define "raygate.labels" -}}
{{ include "raygate.selector" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
{{- end }}

{{/* Where an object of the namespace stands. */}}
{{- define "raygate.metadata" -}}
name: raygate
namespace: {{ .Release.Namespace }}
labels:
  {{- include "raygate.labels" . | nindent 2 }}
{{- end }}

{{- define "raygate.image" -}}
{{- $image := .Values.image -}}
{{ $image.repository }}:{{ $image.tag | default .Chart.AppVersion }}{{ with $image.digest }}@{{ . }}{{ end }}
{{- end }}

{{/* What both webhooks share but for their path. */}}
{{- define "raygate.webhook" -}}
name: rayjob.raygate.dev
clientConfig:
  service:
    namespace: {{ .root.Release.Namespace }}
    name: raygate
    path: {{ .path }}
    port: 443
  {{- if eq .root.Values.certificates.mode "secret" }}
  caBundle: {{ required "certificates.mode is secret, so give the CA of the certificate: --set-file certificates.caBundle=ca.crt" .root.Values.certificates.caBundle | b64enc }}
  {{- end }}
rules:
  - apiGroups: [ray.io]
    apiVersions: [v1]
    resources: [rayjobs]
    operations: [CREATE, UPDATE]
    scope: Namespaced
matchPolicy: Equivalent
namespaceSelector:
  matchExpressions:
    - key: kubernetes.io/metadata.name
      operator: NotIn
      values:
        {{- range concat (list "kube-system" .root.Release.Namespace) .root.Values.webhooks.excludedNamespaces | uniq }}
        - {{ . | quote }}
        {{- end }}
sideEffects: None
admissionReviewVersions: [v1]
{{- end }}

{{- define "raygate.webhookMetadata" -}}
# Sorts before Kueue's configuration, which is never called a second time and has to see the labels that raygate adds.
name: admission.raygate.dev
labels:
  {{- include "raygate.labels" . | nindent 2 }}
{{- if eq .Values.certificates.mode "certManager" }}
annotations:
  cert-manager.io/inject-ca-from: {{ .Release.Namespace }}/raygate
{{- end }}
{{- end }}
