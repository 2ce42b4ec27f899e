"""The questions an API server answers: whose token, may this user, may I, who am I. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kubevitals.model import User
from kubevitals.simulator import status
from kubevitals.simulator.attributes import Attributes
from kubevitals.simulator.identity import authenticated
from kubevitals.simulator.kinds import Kind, Object
from kubevitals.simulator.rbac import Decision, authorize
from kubevitals.simulator.registry import Registry


def token_review(body: Object, check: Callable[[str], User | None]) -> Object:
    """Return the status of a TokenReview; an unknown token gets an error text, as from Kubernetes."""
    token = (body.get("spec") or {}).get("token", "")
    user = check(token) if token else None
    if user is None:
        return {"user": {}, "error": "[invalid bearer token, unknown]"}
    audience = (body.get("spec") or {}).get("audiences")
    found: Object = {"authenticated": True, "user": user_info(authenticated(user))}
    return found | ({"audiences": audience} if audience else {})


def subject_access_review(registry: Registry, body: Object) -> Object:
    """Return the status of a SubjectAccessReview.

    Raises:
        Refused: 400 when it does not say about whom or what.
    """
    spec = body.get("spec") or {}
    if not spec.get("user") and not spec.get("groups"):
        raise status.bad_request("spec.user: Required value: at least one of user or group must be specified")
    return _verdict(authorize(registry, _spec_user(spec), _question(spec)))


def self_subject_access_review(registry: Registry, user: User, body: Object) -> Object:
    """Return the status of a SelfSubjectAccessReview.

    Raises:
        Refused: 400 when it does not say about what.
    """
    return _verdict(authorize(registry, user, _question(body.get("spec") or {})))


def self_subject_review(user: User) -> Object:
    """Return the status of a SelfSubjectReview."""
    return {"userInfo": user_info(user)}


def answered(kind: Kind, body: Object, verdict: Object) -> Object:
    """Return a review with its status, as the answer repeats it."""
    head = {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": {"creationTimestamp": None}}
    return head | ({"spec": body["spec"]} if "spec" in body else {}) | {"status": verdict}


def user_info(user: User) -> Object:
    """Return a user as reviews spell it; empty parts are left out."""
    found: Object = {"username": user.name, "uid": user.uid, "groups": list(user.groups)}
    found["extra"] = {key: list(values) for key, values in user.extra.items()}
    return {key: value for key, value in found.items() if value}


def _spec_user(spec: Object) -> User:
    extra = {key: tuple(values) for key, values in (spec.get("extra") or {}).items()}
    return User(spec.get("user", ""), tuple(spec.get("groups") or ()), spec.get("uid", ""), extra)


def _question(spec: dict[str, Any]) -> Attributes:
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if (resource is None) == (path is None):
        raise status.bad_request(
            "spec.resourceAttributes: Invalid value: exactly one of nonResourceAttributes or "
            "resourceAttributes must be specified"
        )
    if path is not None:
        return Attributes(path.get("verb", ""), path.get("path", ""))
    assert resource is not None
    names = ("group", "version", "resource", "subresource", "namespace", "name")
    return Attributes(resource.get("verb", ""), **{name: resource.get(name, "") for name in names})


def _verdict(decision: Decision) -> Object:
    return {"allowed": decision.allowed} | ({"reason": decision.reason} if decision.reason else {})
