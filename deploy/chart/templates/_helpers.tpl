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
# What needs no answer does not come to raygate, and so works while raygate is down: updates of nothing but finalizers or
# owner references, updates by KubeRay's operator, and suspensions by a queue controller.
matchConditions:
  - name: spec-labels-or-annotations-change
    expression: >-
      oldObject == null || object.?spec != oldObject.?spec ||
      object.metadata.?labels != oldObject.metadata.?labels ||
      object.metadata.?annotations != oldObject.metadata.?annotations
  - name: not-an-update-by-a-kuberay-operator
    expression: >-
      oldObject == null || !(request.userInfo.username in
      {{ .root.Values.kuberay.operators | toRawJson }})
  - name: not-a-suspension-by-a-queue-controller
    expression: >-
      oldObject == null || !(request.userInfo.username in
      {{ .root.Values.queue.controllers | toRawJson }}) ||
      object.?spec.?suspend.orValue(false) != true || oldObject.?spec.?suspend.orValue(false) == true
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

{{/* The variables that the chart sets. A variable of the same name in `settings` takes its place. */}}
{{- define "raygate.env" -}}
- name: RAYGATE_BIND
  value: 0.0.0.0:8443
- name: RAYGATE_METRICS_BIND
  value: 0.0.0.0:8080
{{- if eq .Values.certificates.mode "selfManaged" }}
- name: RAYGATE_SELF_MANAGED
  value: "true"
- name: RAYGATE_NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
{{- else }}
- name: RAYGATE_TLS_CERT
  value: /etc/raygate/tls/tls.crt
- name: RAYGATE_TLS_KEY
  value: /etc/raygate/tls/tls.key
{{- end }}
- name: RAYGATE_POLICIES
  value: /etc/raygate/policies
- name: RAYGATE_LOG_FORMAT
  value: json
- name: RAYGATE_DRAIN_DELAY
  value: 5s
- name: RAYGATE_FALLBACK
  value: {{ .Values.fallback | quote }}
{{- if eq .Values.webhooks.failurePolicy "Ignore" }}
- name: RAYGATE_FAIL_OPEN
  value: "true"
{{- end }}
{{- if and .Values.webhooks.excludedNamespaces (eq .Values.certificates.mode "selfManaged") }}
- name: RAYGATE_EXCLUDED_NAMESPACES
  value: {{ join "," .Values.webhooks.excludedNamespaces | quote }}
{{- end }}
{{- end }}
