"""Language models behind an OpenAI-compatible server: many requests in, one reply each out.

    from coig_writer.endpoint import Endpoint, Request

    judge = Endpoint("http://127.0.0.1:8000/v1", "qwen2.5-72b", cache=Path("build/cache"))
    print(judge.estimate(requests))          # calls, tokens and cost, without calling
    replies = judge.complete_all(requests)   # in the order of the requests

Every reply has a state: ``answered``, ``refused``, ``unparsable`` (after one repair round),
``failed`` (the server gave up) or ``skipped`` (the budget is spent), and a reason unless answered.
What a server decided once is kept in a content-addressed cache: the same requests again make no
call and give identical replies. A local server: ``vllm serve MODEL --port 8000``.
"""

from coig_writer.endpoint.client import Endpoint, Structure
from coig_writer.endpoint.records import Estimate, Ledger, Price, Reply, Request, Usage

__all__ = ["Endpoint", "Estimate", "Ledger", "Price", "Reply", "Request", "Structure", "Usage"]
