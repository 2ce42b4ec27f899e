{{/* The port that the server listens on. */}}
{{- define "kubevitals.port" -}}
{{- int (.Values.containerPort | default (.Values.hostNetwork.enabled | ternary 4443 10250)) -}}
{{- end -}}

{{/* The server's arguments, as a list in YAML. */}}
{{- define "kubevitals.args" -}}
{{- $fullname := include "kubevitals.fullname" . -}}
{{- $namespace := include "kubevitals.namespace" . -}}
{{- $args := list (printf "--secure-port=%s" (include "kubevitals.port" .)) -}}
{{- $args = concat $args (.Values.defaultArgs | default list) -}}
{{- if .Values.metrics.enabled -}}
  {{- $args = append $args "--authorization-always-allow-paths=/healthz,/livez,/readyz,/metrics" -}}
{{- end -}}
{{- if include "kubevitals.managesTls" . -}}
  {{- $args = append $args (printf "--managed-tls=%s/%s" $namespace $fullname) -}}
{{- else if include "kubevitals.mountedSecret" . -}}
  {{- $args = concat $args (list "--tls-cert-file=/tmp/tls-certs/tls.crt" "--tls-private-key-file=/tmp/tls-certs/tls.key") -}}
{{- end -}}
{{- if .Values.kubelet.insecureTLS -}}
  {{- $args = append $args "--kubelet-insecure-tls" -}}
{{- else if include "kubevitals.kubeletCa" . -}}
  {{- $args = append $args "--kubelet-certificate-authority=/etc/kubevitals/kubelet-ca/ca.crt" -}}
{{- end -}}
{{- if .Values.kubeletPins.enabled -}}
  {{- $args = append $args (printf "--kubelet-tls-pin=secret:%s/%s-kubelet-pins" $namespace $fullname) -}}
{{- end -}}
{{- if .Values.events.enabled -}}
  {{- $args = append $args "--publish-events" -}}
{{- end -}}
{{- toYaml (concat $args (.Values.args | default list)) -}}
{{- end -}}

{{/* Environment variables, as a list in YAML. */}}
{{- define "kubevitals.env" -}}
{{- $env := list -}}
{{- if .Values.events.enabled -}}
  {{- range $name, $path := dict "POD_NAME" "metadata.name" "POD_NAMESPACE" "metadata.namespace" "POD_UID" "metadata.uid" -}}
    {{- $env = append $env (dict "name" $name "valueFrom" (dict "fieldRef" (dict "fieldPath" $path))) -}}
  {{- end -}}
{{- end -}}
{{- include "kubevitals.compact" (concat $env (.Values.extraEnv | default list)) -}}
{{- end -}}

{{/* The ConfigMap with the CA of the kubelets, if one is given. */}}
{{- define "kubevitals.kubeletCa" -}}
{{- if .Values.kubelet.caBundle -}}
{{- include "kubevitals.fullname" . }}-kubelet-ca
{{- else -}}
{{- .Values.kubelet.caConfigMap | default "" -}}
{{- end -}}
{{- end -}}
