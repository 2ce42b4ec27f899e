{{/* Whether the server makes its own certificate and tells the API server: "true" or nothing. */}}
{{- define "kubevitals.managesTls" -}}
{{- $verified := and .Values.apiService.create (not .Values.apiService.insecureSkipTLSVerify) -}}
{{- $elsewhere := or .Values.apiService.caBundle (include "kubevitals.hasFlag" (dict "top" . "flag" "tls-cert-file")) -}}
{{- if and (eq .Values.tls.type "metrics-server") $verified (not $elsewhere) }}true{{ end -}}
{{- end -}}

{{/* The Secret that the server's certificate is mounted from; nothing where it makes its own. */}}
{{- define "kubevitals.mountedSecret" -}}
{{- $fullname := include "kubevitals.fullname" . -}}
{{- if eq .Values.tls.type "existingSecret" -}}
{{- .Values.tls.existingSecret.name | default $fullname -}}
{{- else if ne .Values.tls.type "metrics-server" -}}
{{- $fullname -}}
{{- end -}}
{{- end -}}

{{/* The names that the certificate is for, a list. */}}
{{- define "kubevitals.hostNames" -}}
{{- $service := printf "%s.%s" (include "kubevitals.fullname" .) (include "kubevitals.namespace" .) -}}
- {{ $service }}
- {{ $service }}.svc
- {{ $service }}.svc.{{ .Values.tls.clusterDomain }}
{{- end -}}

{{/*
What the chart keeps for tls.type helm, as JSON: `data` of the Secret, and `bundle` for the APIServices. A new authority
stands beside the one before: pods show the old certificate until they have read the new one.
*/}}
{{- define "kubevitals.helmCertificate" -}}
{{- $kept := include "kubevitals.secretData" (dict "top" . "name" (include "kubevitals.fullname" .)) | fromJson -}}
{{- $before := index $kept "ca.crt" | default (index $kept "tls.crt") | default "" -}}
{{- if and .Values.tls.helm.lookup (index $kept "tls.crt") (index $kept "tls.key") -}}
{{- dict "data" (dict "ca.crt" $before "tls.crt" (index $kept "tls.crt") "tls.key" (index $kept "tls.key")) "bundle" $before | toJson -}}
{{- else -}}
{{- $name := include "kubevitals.fullname" . -}}
{{- $days := int .Values.tls.helm.certDurationDays -}}
{{- $ca := genCA (printf "%s-ca" $name | trunc 64) $days -}}
{{- $pair := genSignedCert $name nil (include "kubevitals.hostNames" . | fromYamlArray) $days $ca -}}
{{- $data := dict "ca.crt" (b64enc $ca.Cert) "tls.crt" (b64enc $pair.Cert) "tls.key" (b64enc $pair.Key) -}}
{{- dict "data" $data "bundle" (printf "%s%s" $ca.Cert (b64dec $before) | b64enc) | toJson -}}
{{- end -}}
{{- end -}}

{{/* caBundle from what the values say or a Secret has, in base64; nothing where somebody else fills it in. */}}
{{- define "kubevitals.givenBundle" -}}
{{- $type := .Values.tls.type -}}
{{- if and (eq $type "cert-manager") .Values.tls.certManager.addInjectorAnnotations -}}
{{- else if .Values.apiService.caBundle -}}
{{- .Values.apiService.caBundle | b64enc -}}
{{- else if and (eq $type "existingSecret") .Values.tls.existingSecret.lookup -}}
{{- $data := include "kubevitals.secretData" (dict "top" . "name" (include "kubevitals.mountedSecret" .)) | fromJson -}}
{{- index $data "ca.crt" | default (index $data "tls.crt") | default "" -}}
{{- end -}}
{{- end -}}

{{/* `data` of a Secret of the cluster, as JSON; empty where there is none, or no cluster. Takes a dict: top, name. */}}
{{- define "kubevitals.secretData" -}}
{{- $secret := lookup "v1" "Secret" (include "kubevitals.namespace" .top) .name -}}
{{- dig "data" dict ($secret | default dict) | default dict | toJson -}}
{{- end -}}

{{/* The Secrets that the server fills, a list. */}}
{{- define "kubevitals.ownSecrets" -}}
{{- $fullname := include "kubevitals.fullname" . -}}
{{- $names := list -}}
{{- if include "kubevitals.managesTls" . }}{{ $names = append $names (printf "%s-tls" $fullname) }}{{ end -}}
{{- if .Values.kubeletPins.enabled }}{{ $names = append $names (printf "%s-kubelet-pins" $fullname) }}{{ end -}}
{{- toYaml $names -}}
{{- end -}}
