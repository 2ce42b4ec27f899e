{{/*
A value as YAML, without what is null and without maps that have nothing else in them: the API server leaves such fields
out, and tools that compare would see a difference for ever. A map that was empty before means something (emptyDir).
*/}}
{{- define "kubevitals.compact" -}}
{{- toYaml (include "kubevitals.compacted" . | fromJson).it -}}
{{- end -}}

{{/* The same, as JSON in a map with the key `it`, which is missing when nothing is left. */}}
{{- define "kubevitals.compacted" -}}
{{- $result := dict -}}
{{- if kindIs "map" . -}}
  {{- $kept := dict -}}
  {{- range $key, $value := . -}}
    {{- range $_, $inner := include "kubevitals.compacted" $value | fromJson }}{{ $_ := set $kept $key $inner }}{{ end -}}
  {{- end -}}
  {{- if or $kept (not .) }}{{ $_ := set $result "it" $kept }}{{ end -}}
{{- else if kindIs "slice" . -}}
  {{- $kept := list -}}
  {{- range . -}}
    {{- range $_, $inner := include "kubevitals.compacted" . | fromJson }}{{ $kept = append $kept $inner }}{{ end -}}
  {{- end -}}
  {{- $_ := set $result "it" $kept -}}
{{- else if not (kindIs "invalid" .) -}}
  {{- $_ := set $result "it" . -}}
{{- end -}}
{{- toJson $result -}}
{{- end -}}

{{/* All values, compacted, as JSON. */}}
{{- define "kubevitals.values" -}}
{{- (include "kubevitals.compacted" (deepCopy .Values) | fromJson).it | toJson -}}
{{- end -}}

{{/* Whether a flag is among the arguments: "true" or nothing. Takes a dict: top, flag. */}}
{{- define "kubevitals.hasFlag" -}}
{{- range concat (.top.Values.defaultArgs | default list) (.top.Values.args | default list) -}}
{{- if eq (splitList "=" . | first | trimPrefix "--") $.flag }}true{{ end -}}
{{- end -}}
{{- end -}}

{{/* Ends with a sentence where two values contradict each other. */}}
{{- define "kubevitals.check" -}}
{{- with .Values.podDisruptionBudget -}}
  {{- if and .enabled (include "kubevitals.given" .minAvailable) (include "kubevitals.given" .maxUnavailable) -}}
    {{- fail "podDisruptionBudget: minAvailable and maxUnavailable exclude each other; set one of them to null" -}}
  {{- end -}}
{{- end -}}
{{- $insecure := or .Values.kubelet.insecureTLS (include "kubevitals.hasFlag" (dict "top" . "flag" "kubelet-insecure-tls")) -}}
{{- $authority := or .Values.kubelet.caBundle .Values.kubelet.caConfigMap -}}
{{- if and .Values.kubelet.caBundle .Values.kubelet.caConfigMap -}}
  {{- fail "kubelet: caBundle and caConfigMap exclude each other" -}}
{{- end -}}
{{- if and $insecure $authority -}}
  {{- fail "kubelet: with insecureTLS (or --kubelet-insecure-tls) no certificate is verified; leave it or the CA out" -}}
{{- end -}}
{{- if and .Values.kubeletPins.enabled (or $insecure $authority) -}}
  {{- fail "kubeletPins: with pins no CA is used, and with insecureTLS no pin; leave one of them out" -}}
{{- end -}}
{{- end -}}

{{/* Whether a number or text is given; 0 is. */}}
{{- define "kubevitals.given" -}}
{{- if not (or (kindIs "invalid" .) (eq (toString .) "")) }}true{{ end -}}
{{- end -}}
