{{/* What the values ask for and will not get, or may miss: sentences, as a list in YAML. */}}
{{- define "kubevitals.notes" -}}
{{- $notes := list -}}
{{- $namespace := include "kubevitals.namespace" . -}}
{{- if .Values.addonResizer.enabled -}}
  {{- $notes = append $notes "addonResizer has no effect: its estimates are for another program. See resources and verticalPodAutoscaler." -}}
{{- end -}}
{{- if .Values.rbac.pspEnabled -}}
  {{- $notes = append $notes "rbac.pspEnabled has no effect: PodSecurityPolicy ended with Kubernetes 1.25." -}}
{{- end -}}
{{- if and (or .Values.serviceMonitor.enabled .Values.podMonitor.enabled) (not .Values.metrics.enabled) -}}
  {{- $notes = append $notes "There is no ServiceMonitor and no PodMonitor: they need metrics.enabled=true." -}}
{{- end -}}
{{- if and .Values.rbac.create (not .Values.rbac.authReader) -}}
  {{- $notes = append $notes (printf "Somebody has to bind the Role extension-apiserver-authentication-reader in kube-system to the ServiceAccount %s of %s." (include "kubevitals.serviceAccountName" .) $namespace) -}}
{{- end -}}
{{- if and (hasPrefix "system-" (.Values.priorityClassName | default "")) (ne $namespace "kube-system") -}}
  {{- $notes = append $notes (printf "Some clusters allow the priority class %s only in kube-system. If no pod appears in %s, set priorityClassName to an empty text." .Values.priorityClassName $namespace) -}}
{{- end -}}
{{- if and .Values.networkPolicy.enabled .Values.hostNetwork.enabled -}}
  {{- $notes = append $notes "networkPolicy has no effect on pods with hostNetwork." -}}
{{- end -}}
{{- if include "kubevitals.unverifiable" . -}}
  {{- $notes = append $notes "The API server is not told by which CA to verify the server. Set apiService.caBundle, or apiService.insecureSkipTLSVerify=true." -}}
{{- end -}}
{{- if or .Values.kubelet.insecureTLS (include "kubevitals.hasFlag" (dict "top" . "flag" "kubelet-insecure-tls")) -}}
  {{- $notes = append $notes "The kubelets' certificates are not verified. kubelet.caBundle, kubelet.caConfigMap or kubeletPins.enabled=true end that." -}}
{{- end -}}
{{- toYaml $notes -}}
{{- end -}}

{{/* Whether no CA is known for the server's certificate and nobody will fill one in: "true" or nothing. */}}
{{- define "kubevitals.unverifiable" -}}
{{- $injected := or (eq .Values.tls.type "helm") (include "kubevitals.managesTls" .) (include "kubevitals.injected" .) -}}
{{- $verified := and .Values.apiService.create (not .Values.apiService.insecureSkipTLSVerify) -}}
{{- if and $verified (not (or $injected (include "kubevitals.givenBundle" .))) }}true{{ end -}}
{{- end -}}

{{/* Whether an annotation lets somebody fill caBundle in: "true" or nothing. */}}
{{- define "kubevitals.injected" -}}
{{- if and (eq .Values.tls.type "cert-manager") .Values.tls.certManager.addInjectorAnnotations }}true{{ end -}}
{{- range $name, $_ := .Values.apiService.annotations }}{{ if contains "/inject-" $name }}true{{ end }}{{ end -}}
{{- end -}}
