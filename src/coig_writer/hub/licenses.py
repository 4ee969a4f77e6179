"""The licence identifiers that the Hub accepts in a card's ``license:`` (Hub documentation, Licenses)."""

from __future__ import annotations

_OF_SPDX = """
    afl-3.0 agpl-3.0 apache-2.0 artistic-2.0 bsd-2-clause bsd-3-clause bsd-3-clause-clear
    bsl-1.0 cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0
    cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cc-by-nd-4.0
    cc-by-sa-3.0 cc-by-sa-4.0 cc0-1.0 cdla-permissive-1.0 cdla-permissive-2.0 cdla-sharing-1.0
    ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 eupl-1.2 gpl-2.0 gpl-3.0 isc lgpl-2.1 lgpl-3.0
    lppl-1.3c mit mpl-2.0 ms-pl ncsa ofl-1.1 osl-3.0 postgresql unlicense wtfpl zlib
"""
_OF_THE_HUB = """
    apple-amlr apple-ascl bigcode-openrail-m bigscience-bloom-rail-1.0 bigscience-openrail-m bsd
    c-uda cc creativeml-openrail-m deepfloyd-if-license fair-noncommercial-research-license
    gemma gfdl gpl grok2-community h-research intel-research lgpl lgpl-lr llama2 llama3 llama3.1
    llama3.2 llama3.3 llama4 odbl odc-by openmdw-1.0 openmdw-1.1 openrail openrail++ other pddl
    unknown
"""
OF_THE_HUB = frozenset(_OF_THE_HUB.split())  # families and models' licences that SPDX does not list
IDS = OF_THE_HUB | frozenset(_OF_SPDX.split())
