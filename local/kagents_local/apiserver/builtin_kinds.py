"""The built-in kinds that the server serves beside the custom ones."""

from kagents_local.apiserver import builtin_schemas as schemas
from kagents_local.apiserver.kinds import Kind

_RBAC = "rbac.authorization.k8s.io"


def _core(plural: str, kind: str, schema: schemas.Schema, *short: str, **options: object) -> Kind:
    return Kind(
        group="",
        version="v1",
        plural=plural,
        singular=kind.lower(),
        kind=kind,
        short_names=short,
        schema=schema,
        **options,  # type: ignore[arg-type]
    )


def _rbac(plural: str, kind: str, schema: schemas.Schema, *, namespaced: bool) -> Kind:
    return Kind(_RBAC, "v1", plural, kind.lower(), kind, namespaced=namespaced, schema=schema)


def _review(group: str, plural: str, kind: str) -> Kind:
    return Kind(
        group,
        "v1",
        plural,
        kind.lower(),
        kind,
        namespaced=False,
        stored=False,
        verbs=("create",),
        schema={"type": "object"},
    )


BUILTIN_KINDS = (
    _core("configmaps", "ConfigMap", schemas.CONFIG_MAP, "cm"),
    _core("events", "Event", schemas.EVENT, "ev"),
    _core("namespaces", "Namespace", schemas.NAMESPACE, "ns", namespaced=False, has_status=True),
    _core("persistentvolumeclaims", "PersistentVolumeClaim", schemas.CLAIM, "pvc", has_status=True),
    _core(
        "pods", "Pod", schemas.POD, "po", has_status=True, categories=("all",), subresources=("exec", "log")
    ),
    _core("secrets", "Secret", schemas.SECRET),
    _core("serviceaccounts", "ServiceAccount", schemas.SERVICE_ACCOUNT, "sa", subresources=("token",)),
    Kind(
        "apiextensions.k8s.io",
        "v1",
        "customresourcedefinitions",
        "customresourcedefinition",
        "CustomResourceDefinition",
        namespaced=False,
        short_names=("crd", "crds"),
        has_status=True,
        schema=schemas.DEFINITION,
    ),
    _review("authentication.k8s.io", "selfsubjectreviews", "SelfSubjectReview"),
    _review("authorization.k8s.io", "selfsubjectaccessreviews", "SelfSubjectAccessReview"),
    _review("authorization.k8s.io", "selfsubjectrulesreviews", "SelfSubjectRulesReview"),
    Kind("coordination.k8s.io", "v1", "leases", "lease", "Lease", schema=schemas.LEASE),
    _rbac("clusterrolebindings", "ClusterRoleBinding", schemas.ROLE_BINDING, namespaced=False),
    _rbac("clusterroles", "ClusterRole", schemas.ROLE, namespaced=False),
    _rbac("rolebindings", "RoleBinding", schemas.ROLE_BINDING, namespaced=True),
    _rbac("roles", "Role", schemas.ROLE, namespaced=True),
)
