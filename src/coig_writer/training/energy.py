"""An upper estimate of a run's energy: board power limit times devices times seconds.

The limit is what the maker states for the board; hosts, networks and cooling are not in it, and a run
rarely draws the limit all the time. Hardware that is not in the table gets no estimate.
"""

from __future__ import annotations

from coig_writer.facts import Fact

# Power limits in watts, from the makers' data sheets; the first name that is found counts.
BOARD_WATTS = {
    "H200 NVL": 600,
    "H200": 700,
    "H100 PCIe": 350,
    "H100 NVL": 400,
    "H100": 700,
    "A100-SXM": 400,
    "A100-PCIE-40GB": 250,
    "A100 80GB PCIe": 300,
    "L40S": 350,
    "L4": 72,
    "V100-SXM2": 300,
}


def estimate(hardware: str, devices: int, seconds: float) -> list[Fact]:
    """Returns ``run/watts`` of one board and ``run/kwh`` of the run; nothing for unknown hardware."""
    watts = next((w for name, w in BOARD_WATTS.items() if name in hardware), None)
    if watts is None:
        return []
    kwh = watts * devices * seconds / 3_600_000
    return [Fact("run/watts", watts, unit="W"), Fact("run/kwh", round(kwh, 4), unit="kWh")]
