"""What a RayCluster may hold, as far as this project's does: KubeRay's API reference, ray.io/v1.

Pod templates are left to Kubernetes' own schema.
"""

_TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
_COUNT = {"type": "integer", "minimum": 0}
_RESOURCES = {
    "type": "object",
    "properties": {"requests": _TEXTS, "limits": _TEXTS},
    "additionalProperties": False,
}
_SECRET_VALUE = {
    "type": "object",
    "properties": {
        "valueFrom": {
            "type": "object",
            "properties": {
                "secretKeyRef": {
                    "type": "object",
                    "properties": {"name": {"type": "string"}, "key": {"type": "string"}},
                    "required": ["name", "key"],
                    "additionalProperties": False,
                }
            },
            "required": ["secretKeyRef"],
            "additionalProperties": False,
        }
    },
    "required": ["valueFrom"],
    "additionalProperties": False,
}
_HEAD = {
    "type": "object",
    "properties": {
        "serviceType": {"enum": ["ClusterIP", "NodePort", "LoadBalancer"]},
        "rayStartParams": _TEXTS,
        "template": {"type": "object"},
    },
    "required": ["rayStartParams", "template"],
    "additionalProperties": False,
}
_WORKERS = {
    "type": "object",
    "properties": {
        "groupName": {"type": "string"},
        "replicas": _COUNT,
        "minReplicas": _COUNT,
        "maxReplicas": _COUNT,
        "rayStartParams": _TEXTS,
        "template": {"type": "object"},
    },
    "required": ["groupName", "minReplicas", "maxReplicas", "rayStartParams", "template"],
    "additionalProperties": False,
}
RAY_CLUSTER = {
    "type": "object",
    "properties": {
        "apiVersion": {"const": "ray.io/v1"},
        "kind": {"const": "RayCluster"},
        "metadata": {"type": "object"},
        "spec": {
            "type": "object",
            "properties": {
                "rayVersion": {"type": "string"},
                "authOptions": {
                    "type": "object",
                    "properties": {"mode": {"enum": ["token", "disabled"]}},
                    "additionalProperties": False,
                },
                "enableInTreeAutoscaling": {"type": "boolean"},
                "autoscalerOptions": {
                    "type": "object",
                    "properties": {
                        "version": {"enum": ["v1", "v2"]},
                        "upscalingMode": {"enum": ["Default", "Aggressive", "Conservative"]},
                        "idleTimeoutSeconds": _COUNT,
                        "resources": _RESOURCES,
                    },
                    "additionalProperties": False,
                },
                "gcsFaultToleranceOptions": {
                    "type": "object",
                    "properties": {
                        "redisAddress": {"type": "string"},
                        "redisPassword": _SECRET_VALUE,
                    },
                    "required": ["redisAddress"],
                    "additionalProperties": False,
                },
                "headGroupSpec": _HEAD,
                "workerGroupSpecs": {"type": "array", "items": _WORKERS, "minItems": 1},
            },
            "required": ["headGroupSpec"],
            "additionalProperties": False,
        },
    },
    "required": ["apiVersion", "kind", "metadata", "spec"],
    "additionalProperties": False,
}
