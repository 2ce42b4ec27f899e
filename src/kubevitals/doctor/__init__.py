"""Finds the first broken hop between a client of the Metrics API and the kubelets, with nothing but a kubeconfig.

``reading`` looks (read-only), ``evidence`` is what was seen, ``checks`` say what it means (pure), ``catalogue`` lists
them as data, ``report`` puts what they found in order.
"""
