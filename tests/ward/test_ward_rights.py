"""A right is missing: what the doctor says, and that what it says helps."""

from __future__ import annotations

from tests.ward.ward import ward

RESTART = "kubectl -n kube-system rollout restart deployment/metrics-server"


async def test_a_caller_without_the_right() -> None:
    """D16: an administrator runs the command that is printed, and whoever asked may read metrics."""
    async with ward() as patient:
        patient.user = ("jane", ())
        await patient.types("kubectl create clusterrolebinding jane --clusterrole=view --user=jane")
        await patient.healthy()
        await patient.types(
            "kubectl patch clusterrole view --type json "
            """-p '[{"op":"remove","path":"/rules/5"}]'"""
        )
        finding = await patient.diagnosed("D16")
        await patient.types(finding.remedies[0].command)
        await patient.healthy()


async def test_no_right_to_read_whom_to_believe() -> None:
    """D17: the binding that is printed lets the provider know its callers."""
    async with ward() as patient:
        await patient.types(f"kubectl -n kube-system delete rolebinding metrics-server-auth-reader && {RESTART}")
        finding = await patient.diagnosed("D17")
        await patient.types(finding.remedies[0].command)
        await patient.healthy()


async def test_no_right_to_ask_about_callers() -> None:
    """D18: the binding that is printed lets the provider tell who may read metrics."""
    async with ward() as patient:
        await patient.types("kubectl delete clusterrolebinding metrics-server:system:auth-delegator")
        finding = await patient.diagnosed("D18")
        await patient.types(finding.remedies[0].command)
        await patient.healthy()


async def test_no_right_to_read_kubelets() -> None:
    """D29: the role and binding that are printed let the provider ask kubelets."""
    async with ward() as patient:
        change = """'[{"op":"remove","path":"/rules/0"}]'"""
        await patient.types(f"kubectl patch clusterrole system:metrics-server --type json -p {change}")
        finding = await patient.diagnosed("D29")
        await patient.types(finding.remedies[0].command)
        await patient.healthy()


async def test_no_right_to_see_nodes_and_pods() -> None:
    """D50: the role and binding that are printed let the provider see them."""
    async with ward() as patient:
        change = """'[{"op":"remove","path":"/rules/1"}]'"""
        await patient.types(f"kubectl patch clusterrole system:metrics-server --type json -p {change} && {RESTART}")
        finding = await patient.diagnosed("D50")
        await patient.types(finding.remedies[0].command)
        await patient.healthy()
