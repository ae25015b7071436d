{{- define "metricops.image" -}}
{{- $name := first . -}}
{{- $image := last . -}}
{{- $hint := printf "%s.repository is empty: push the image to a registry that your cluster pulls from, and name it with --set %s.repository=REGISTRY/NAME" $name $name -}}
{{- required $hint $image.repository -}}
{{- with $image.tag -}}:{{ . }}{{- end -}}
{{- with $image.digest -}}@{{ . }}{{- end -}}
{{- end -}}
