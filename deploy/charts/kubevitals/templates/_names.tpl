{{/* The value of app.kubernetes.io/name. */}}
{{- define "kubevitals.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* The name of the Service, Deployment and so on: the release's, which is not repeated where it has ours in it. */}}
{{- define "kubevitals.fullname" -}}
{{- $name := .Values.nameOverride | default .Chart.Name -}}
{{- $both := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) -}}
{{- .Values.fullnameOverride | default $both | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "kubevitals.namespace" -}}
{{- .Values.namespaceOverride | default .Release.Namespace -}}
{{- end -}}

{{- define "kubevitals.serviceAccountName" -}}
{{- $otherwise := .Values.serviceAccount.create | ternary (include "kubevitals.fullname" .) "default" -}}
{{- .Values.serviceAccount.name | default $otherwise -}}
{{- end -}}

{{- define "kubevitals.image" -}}
{{- with .Values.image -}}
{{- with .registry }}{{ trimSuffix "/" . }}/{{ end -}}
{{- .repository -}}
{{- if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default (printf "v%s" $.Chart.AppVersion) }}{{ end -}}
{{- end -}}
{{- end -}}

{{/* By these labels the pods are found. A Deployment cannot change them. */}}
{{- define "kubevitals.selectorLabels" -}}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/name: {{ include "kubevitals.name" . | quote }}
{{- end -}}

{{/* metadata of an object. Takes a dict: top, name; in a namespace: namespace; further: labels, annotations. */}}
{{- define "kubevitals.metadata" -}}
{{- $top := .top -}}
{{- $own := dict
  "helm.sh/chart" (printf "%s-%s" $top.Chart.Name $top.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-")
  "app.kubernetes.io/version" $top.Chart.AppVersion
  "app.kubernetes.io/managed-by" $top.Release.Service -}}
{{- $selector := include "kubevitals.selectorLabels" $top | fromYaml -}}
{{- $given := merge (dict) (.labels | default dict) ($top.Values.commonLabels | default dict) -}}
{{- $metadata := dict "name" .name "labels" (merge (dict) $selector $given $own) -}}
{{- with .namespace }}{{ $_ := set $metadata "namespace" . }}{{ end -}}
{{- with .annotations }}{{ $_ := set $metadata "annotations" . }}{{ end -}}
{{- include "kubevitals.compact" $metadata -}}
{{- end -}}

{{- define "kubevitals.subject" -}}
kind: ServiceAccount
name: {{ include "kubevitals.serviceAccountName" . | quote }}
namespace: {{ include "kubevitals.namespace" . | quote }}
{{- end -}}
