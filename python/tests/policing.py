"""The steps of a scenario for a policy by itself, through the public names."""

from __future__ import annotations

from typing import Any

from madrigal import CircuitBreaker, CostBudget, RateLimiter


class Police:
    """A policy, and what it gave last."""

    def __init__(self, given: dict[str, Any]) -> None:
        ((self.kind, config),) = given.items()
        kinds: dict[str, Any] = {
            "rate_limiter": RateLimiter,
            "circuit_breaker": CircuitBreaker,
            "cost_budget": CostBudget,
        }
        self.policy = kinds[self.kind](**config)
        if self.kind == "rate_limiter":
            self.policy.state()  # It opens at its first use.
        self.last: Any = None

    async def decide(self, asked: dict[str, Any]) -> Any:
        rest = dict(asked)
        command = rest.pop("command")
        wish = rest.pop("wish", {})
        if "timeout_ms" in wish:
            wish = {**wish, "timeout": wish["timeout_ms"] / 1000}
            del wish["timeout_ms"]
        match command:
            case "try_acquire":
                permit = self.policy.try_acquire(**wish)
                self.last = permit or self.last
                return {"permit": permit and 1}
            case "check_and_wait":
                self.last = await self.policy.check_and_wait(**wish)
                return {"permit": 1}
            case "feedback":
                return self.policy.feedback(rest["said"], rest.get("key"))
            case "try_request":
                self.last = self.policy.try_request()
                return {"ticket": 1}
            case "finish":
                return getattr(self.last, {"ignored": "ignore"}.get(rest["verdict"], rest["verdict"]))()
            case "reserve":
                self.last = self.policy.reserve(**rest)
                return {"reservation": 1}
            case "refund" | "settle_tokens" | "observe" | "settle" | "uncertain":
                return getattr(self.last, command)(**rest)
            case "limit_flow" | "limit_run":
                return self.policy.limit(rest.pop("limit_usd"), **rest)
            case "state" if self.kind == "circuit_breaker":
                return self.policy.info()
        return getattr(self.policy, command)(**rest)
