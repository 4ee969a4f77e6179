from tests.hub_double.client import api, hub, patient

__all__ = ["api", "hub", "patient"]
