{{- define "kagents.labels" -}}
app.kubernetes.io/name: kagents-controller
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: kagents
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "kagents.selector" -}}
app.kubernetes.io/name: kagents-controller
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "kagents.image" -}}
{{ .image.repository }}:{{ .image.tag | default .root.Chart.AppVersion }}
{{- end }}

{{- define "kagents.name" -}}
{{ .Release.Name | trunc 40 | trimSuffix "-" }}-controller
{{- end }}

{{- define "kagents.hubPorts" -}}
{{- $teams := .Values.networkPolicy.teams }}
{{- $ports := list }}
{{- range concat .Values.networkPolicy.apiServerPorts $teams.repositoryPorts $teams.agentPorts $teams.tracingPorts }}
{{- $ports = append $ports (int .) }}
{{- end }}
{{- with .Values.tracing.endpoint }}
{{- $url := urlParse . }}
{{- $port := regexFind ":[0-9]+$" $url.host | trimPrefix ":" }}
{{- $ports = append $ports (int (default (ternary "443" "80" (eq $url.scheme "https")) $port)) }}
{{- end }}
{{- $ports | uniq | toJson }}
{{- end }}

{{- define "kagents.rules" -}}
- apiGroups: [claude.amcheste.io]
  resources: [agentteams, agentteamtemplates, agentteamruns, agentbudgets]
  verbs: [get, list, watch]
# Records of what teams have cost: made once, never changed, deleted when they are old.
- apiGroups: [claude.amcheste.io]
  resources: [agentusages]
  verbs: [get, list, watch, create, delete]
- apiGroups: [claude.amcheste.io]
  resources: [agentteams]
  verbs: [create, patch, delete]
- apiGroups: [claude.amcheste.io]
  resources: [agentteams/status, agentteamtemplates/status, agentteamruns/status, agentbudgets/status]
  verbs: [patch]
# Owner references with blockOwnerDeletion need this where the API server checks them.
- apiGroups: [claude.amcheste.io]
  resources: [agentteams/finalizers, agentteamruns/finalizers]
  verbs: [update]
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [get, list, watch, create, patch]
# Read to say why a pod does not start; written to tell what happened.
- apiGroups: [""]
  resources: [events]
  verbs: [get, list, create, patch]
{{- end }}

{{- define "kagents.hubAccountRules" -}}
# The hubs' account in any namespace that has a team, bound to the one role of hubs and to no other.
- apiGroups: [""]
  resources: [serviceaccounts]
  verbs: [create, patch]
- apiGroups: [rbac.authorization.k8s.io]
  resources: [rolebindings]
  verbs: [create, patch]
- apiGroups: [rbac.authorization.k8s.io]
  resources: [clusterroles]
  resourceNames: [kagents-hub]
  verbs: [bind]
{{- end }}

{{- define "kagents.teamNetworkRules" -}}
# The network policies of namespaces with teams. They are applied blind: none is ever read.
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [create, patch]
{{- end }}

{{- define "kagents.hubRules" -}}
- apiGroups: [claude.amcheste.io]
  resources: [agentteams]
  verbs: [get, list, watch]
- apiGroups: [claude.amcheste.io]
  resources: [agentteams/status]
  verbs: [patch]
{{- end }}
