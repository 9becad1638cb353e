{{/* What all objects are called by; Helm's own labels are on the objects alone, so that no upgrade restarts a pod for them. */}}
{{- define "raygate.selector" -}}
app.kubernetes.io/name: raygate
{{- end }}

{{- define "raygate.labels" -}}
{{ include "raygate.selector" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
{{- with .Values.labels }}
{{ toYaml . }}
{{- end }}
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

{{- define "raygate.allKinds" -}}
RayJob,RayCluster,RayService,RayCronJob
{{- end }}

{{/* The kinds that raygate judges, in one order. An upgrade without `kinds` keeps those that the
cluster has registered, or that the Deployment names if the webhooks were deleted. */}}
{{- define "raygate.kinds" -}}
{{- $resources := list -}}
{{- range $kind := .Values.kinds -}}
{{- $resources = append $resources (printf "%ss" (lower $kind)) -}}
{{- end -}}
{{- if not $resources -}}
{{- $registered := lookup "admissionregistration.k8s.io/v1" "ValidatingWebhookConfiguration" "" "admission.raygate.dev" -}}
{{- range $webhook := $registered.webhooks -}}
{{- range $rule := $webhook.rules -}}
{{- $resources = concat $resources $rule.resources -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if not $resources -}}
{{- $deployment := lookup "apps/v1" "Deployment" .Release.Namespace "raygate" -}}
{{- range $container := dig "spec" "template" "spec" "containers" list $deployment -}}
{{- range $variable := $container.env -}}
{{- if eq $variable.name "RAYGATE_KINDS" -}}
{{- range $kind := splitList "," $variable.value -}}
{{- $resources = append $resources (printf "%ss" (lower $kind)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $kinds := list -}}
{{- range $kind := splitList "," (include "raygate.allKinds" .) -}}
{{- if has (printf "%ss" (lower $kind)) $resources -}}
{{- $kinds = append $kinds $kind -}}
{{- end -}}
{{- end -}}
{{ $kinds | join "," | default (include "raygate.allKinds" .) }}
{{- end }}

{{/* The kinds in Preview: those of the value `preview`. Without it, an upgrade puts the kinds that it adds to the registered
ones into Preview, and keeps there those that were. */}}
{{- define "raygate.preview" -}}
{{- $kinds := list -}}
{{- if kindIs "slice" .Values.preview -}}
{{- $kinds = .Values.preview -}}
{{- else -}}
{{- $registered := lookup "admissionregistration.k8s.io/v1" "ValidatingWebhookConfiguration" "" "admission.raygate.dev" -}}
{{- $resources := list -}}
{{- range $webhook := $registered.webhooks -}}
{{- range $rule := $webhook.rules -}}
{{- $resources = concat $resources $rule.resources -}}
{{- end -}}
{{- end -}}
{{- $before := list -}}
{{- $deployment := lookup "apps/v1" "Deployment" .Release.Namespace "raygate" -}}
{{- range $container := dig "spec" "template" "spec" "containers" list $deployment -}}
{{- range $setting := $container.env -}}
{{- if eq $setting.name "RAYGATE_PREVIEW" -}}
{{- $before = splitList "," $setting.value -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if $resources -}}
{{- range $kind := splitList "," (include "raygate.kinds" .) -}}
{{- if or (has $kind $before) (not (has (printf "%ss" (lower $kind)) $resources)) -}}
{{- $kinds = append $kinds $kind -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{ $kinds | join "," }}
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
    resources:
      {{- range splitList "," (include "raygate.kinds" .root) }}
      - {{ lower . }}s
      {{- end }}
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
# What needs no answer does not come to raygate, and so works while raygate is down: deploy/base/webhooks.yaml.
matchConditions:
  - name: spec-labels-or-annotations-change
    expression: >-
      oldObject == null || object.?spec != oldObject.?spec ||
      object.metadata.?labels != oldObject.metadata.?labels ||
      object.metadata.?annotations != oldObject.metadata.?annotations
  # The RayClusters that the operator creates are made from objects that raygate has judged. Its RayJobs are judged: a
  # RayCronJob is only their template.
  - name: not-a-write-by-a-kuberay-operator
    expression: >-
      !(request.userInfo.username in
      {{ .root.Values.kuberay.operators | toRawJson }}) ||
      (oldObject == null && request.kind.kind != "RayCluster")
  # Kueue suspends a RayService by the second field.
  - name: not-a-suspension-by-a-queue-controller
    expression: >-
      oldObject == null || !(request.userInfo.username in
      {{ .root.Values.queue.controllers | toRawJson }}) ||
      (object.?spec.?suspend.orValue(false) != true &&
      object.?spec.?rayClusterConfig.?suspend.orValue(false) != true) ||
      oldObject.?spec.?suspend.orValue(false) == true ||
      oldObject.?spec.?rayClusterConfig.?suspend.orValue(false) == true
  # Only RayClusters have these fields directly in their spec. A worker group with a field that is not listed is judged.
  - name: not-a-scaling-by-rays-autoscaler
    expression: >-
      oldObject == null || object.?spec.?enableInTreeAutoscaling.orValue(false) != true ||
      object.metadata.?labels != oldObject.metadata.?labels ||
      object.metadata.?annotations != oldObject.metadata.?annotations ||
      [[dyn(object), dyn(oldObject)], [dyn(oldObject), dyn(object)]].exists(pair,
      pair[0].?spec.orValue({}).exists(key, key != "workerGroupSpecs" && pair[0].?spec[?key] != pair[1].?spec[?key])) ||
      object.?spec.?workerGroupSpecs.orValue([]).exists(group, group.exists(key, !(key in ["replicas", "scaleStrategy",
      "groupName", "idleTimeoutSeconds", "labels", "maxReplicas", "minReplicas", "numOfHosts", "rayStartParams", "resources",
      "suspend", "template"]))) ||
      ["groupName", "idleTimeoutSeconds", "labels", "maxReplicas", "minReplicas", "numOfHosts", "rayStartParams",
      "resources", "suspend", "template"].exists(key,
      object.?spec.?workerGroupSpecs.orValue([]).map(group, group[?key]) !=
      oldObject.?spec.?workerGroupSpecs.orValue([]).map(group, group[?key]))
sideEffects: None
admissionReviewVersions: [v1]
{{- end }}

{{- define "raygate.webhookMetadata" -}}
# Sorts before Kueue's configuration, which is never called a second time and has to see the labels that raygate adds.
name: admission.raygate.dev
labels:
  {{- include "raygate.labels" . | nindent 2 }}
  app.kubernetes.io/component: webhooks
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
{{- $kinds := include "raygate.kinds" . }}
{{- if ne $kinds (include "raygate.allKinds" .) }}
- name: RAYGATE_KINDS
  value: {{ $kinds }}
{{- end }}
{{- with include "raygate.preview" . }}
- name: RAYGATE_PREVIEW
  value: {{ . }}
{{- end }}
{{- if and .Values.webhooks.excludedNamespaces (eq .Values.certificates.mode "selfManaged") }}
- name: RAYGATE_EXCLUDED_NAMESPACES
  value: {{ join "," .Values.webhooks.excludedNamespaces | quote }}
{{- end }}
{{- with .Values.clientCertificates.names }}
- name: RAYGATE_CLIENT_CA
  value: /etc/raygate/client-ca/ca.crt
- name: RAYGATE_CLIENT_NAMES
  value: {{ join "," . | quote }}
{{- end }}
{{- if .Values.observer.enabled }}
- name: RAYGATE_FACTS
  value: /run/raygate/facts/facts.json
{{- end }}
{{- end }}

{{/* A pod that runs the image once, for hooks. */}}
{{- define "raygate.hookPod" -}}
restartPolicy: Never
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .root.Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  seccompProfile:
    type: RuntimeDefault
containers:
  - name: raygate
    image: {{ include "raygate.image" .root | quote }}
    {{- with .root.Values.image.pullPolicy }}
    imagePullPolicy: {{ . }}
    {{- end }}
    args: {{ toJson .args }}
    resources:
      requests: {cpu: 10m, memory: 32Mi}
      limits: {memory: 128Mi}
    securityContext:
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      runAsNonRoot: true
      capabilities: {drop: [ALL]}
{{- end }}
