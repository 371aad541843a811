"""The settings of an orchestrator and its policies, in the words and defaults of the engine, which checks them.

What is left out has its default; ``None`` turns a limit off where it says so. Times that end in ``_ms`` are
milliseconds, money is US dollars.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict

if TYPE_CHECKING:
    from .auth import AuthManager

TaskClass = Literal["critical_plus", "critical", "normal", "sheddable"]
"""Who goes first: something is lost when it is late; somebody waits for it; the default; may be dropped."""


class Key(TypedDict, total=False):
    """Whom limits are kept for: two runs with the same key share them. Parts that are left out are empty."""

    tenant: str
    """On whose behalf the work is done."""
    provider: str
    """Who answers: a name for the endpoint."""
    credential: str
    """A fingerprint or a name of the credential, never the credential itself."""
    model: str
    """The model, or the class of models that share a limit."""


class Quota(TypedDict, total=False):
    """A limit of starts without defaults."""

    per_minute: int | None
    """Starts in any minute."""
    per_hour: int | None
    """Starts in any hour."""
    tokens_per_minute: int | None
    """Tokens in any minute. Default: no limit."""
    burst: int | None
    """``None``, the default: exact windows. Otherwise the size of a token bucket: so many may start at once."""
    min_gap_ms: int
    """The least time between two starts. Default 0."""


# The name of one field is a keyword of Python.
_Global = TypedDict("_Global", {"global": "Quota | None"}, total=False)


class RateLimit(Quota, _Global, total=False):
    """How often something may start, for each key: by default 60 times a minute and 1000 times an hour.

    ``global`` is a limit for all keys together (default: none).
    """

    tenant: Quota | None
    """A limit for all keys of a tenant together. Default: none."""


class Circuit(TypedDict, total=False):
    """When a circuit breaker opens, for how long, and what closes it again."""

    failure_threshold: int
    """Failures in a row that open it. Default 5."""
    success_threshold: int
    """Successes in a row, of one probe after the other, that close it again. Default 2."""
    timeout_ms: int
    """How long it stays open the first time; doubles each time until it was healthy. Default 60 000."""
    max_timeout_ms: int
    """The longest it stays open unless a server asks for more. Default 300 000."""
    jitter: float
    """The share of the open time that chance may take away, from 0 to 1. Default 0.2."""
    failure_rate: float | None
    """The share of failures that opens it. ``None``: only failures in a row count. Default 0.5."""
    min_samples: int
    """How many samples a share needs. Default 10."""
    window_ms: int
    """The time over which the share is counted. Default 60 000."""
    probe_ms: int
    """How long a probe may go without a verdict before it counts as failed. Default 120 000."""
    healthy_ms: int
    """How long it must be closed for the next opening to be a first one again. Default 60 000."""
    slow_start: bool
    """Whether, after it closed, permits at one time grow from 1 with each success. Default: yes."""


class Budget(TypedDict, total=False):
    """Limits of money, in US dollars. What is left out is not limited."""

    run_usd: float | None
    """For one run, with all its attempts."""
    flow_usd: float | None
    """For all runs of one call, such as a pipeline."""
    key_hour_usd: float | None
    """For each key in any hour."""
    key_day_usd: float | None
    """For each key in any day."""
    total_usd: float | None
    """For everything, ever."""
    uncertain_ttl_ms: int
    """How long the charge of a run whose cost is not known stays open to correction. Default 3 600 000."""
    ledger: str | None
    """A file by which the limits of keys and ``total_usd`` go on after a restart; for one at a time. Default: none."""


class RetryPolicy(TypedDict, total=False):
    """How often, how soon and by whom failed work is tried again."""

    max_attempts: int
    """Attempts of a run, the first included. Default 3."""
    throttle_base_ms: int
    """The first backoff after the API wanted fewer requests. Default 1000."""
    network_base_ms: int
    """The first backoff after the API or the network failed. Default 250."""
    spawn_base_ms: int
    """The first backoff after a program could not be started. Default 50."""
    max_delay_ms: int
    """The longest backoff; a server may ask for more. Default 20 000."""
    budget_share: float
    """Retries for each first attempt of a key within a minute, from 0 to 1. Default 0.2."""
    budget_free: int
    """Retries of a key within a minute that are free. Default 12."""
    budget_cap: int
    """Retries of a key within a minute, at most. Default 100."""
    program_retries: int
    """How often the program itself retries a call of the API. Above 0 such failures are its business. Default 10."""


class MemoryLimit(TypedDict, total=False):
    """How much memory must be left for another program to start. Linux only."""

    min_available_mb: int
    """What must be left when it runs, in MiB. Default 1024."""
    run_mb: int
    """What a program takes that is not ready yet, in MiB. Default 150."""


class Adaptive(TypedDict, total=False):
    """How the number of places follows what the API says."""

    min: int
    """As few as that. Default 1."""
    decrease: float
    """The share of the places that is left when the API wants fewer requests. Default 0.7."""
    cooldown_ms: int
    """How long after that it is not lowered again. Default 5000."""


class Shedding(TypedDict, total=False):
    """When tasks of the class ``sheddable`` are refused."""

    target_ms: int
    """How long one may wait. Default 5000."""
    interval_ms: int
    """For how long everybody has to have waited longer. Default 30 000."""


class Hedge(TypedDict, total=False):
    """When an attempt whose first token is late gets a second one beside it. Whichever is answered first goes on."""

    percentile: int
    """Later than so many in a hundred of the last 200 first tokens for the same provider, credential and model; 50 to
    99. Default 95."""
    min_delay_ms: int
    """Never earlier than this. Default 10 000."""
    min_samples: int
    """How many first tokens must be known before it is judged what is late; 1 to 200. Default 20."""
    max_share: float
    """The most second attempts, as a share of those that could have one. Default 0.05."""


class Pool(TypedDict, total=False):
    """How many programs are kept ready, for how long, and whether one may serve more than one run."""

    min_idle: int
    """How many are kept ready for each kind of start that repeats. Default 1."""
    max_idle: int | None
    """How many may be ready at a time, all kinds together. Default: ``max_concurrent``."""
    max_age_ms: int
    """How old one may become. Default 600 000."""
    max_memory_mb: int
    """How much memory they may take together, in MiB. Default 2048."""
    recycle: bool
    """Whether one may serve run after run; only runs without tools can. Default: no."""
    max_reuses: int
    """With ``recycle``: after how many further runs it is ended all the same. Default 50."""


class Candidate(TypedDict, total=False):
    """What is different when a task falls back to something else that may do the same work."""

    model: str
    """The model, in place of that of the task."""
    env: dict[str, str]
    """Variables for the program, beside or in place of those of the task. May hold secrets."""
    auth: AuthManager
    """Who gives the program its credential, in place of what the task says. Limits count it by its fingerprint."""
    credential: str
    """A name for the credential in ``env``, by which limits count it."""
    provider: str
    """A name for the provider in ``env``, by which limits count it."""


class OrchestratorConfig(TypedDict, total=False):
    """What an orchestrator is told beside the options of its tasks."""

    max_concurrent: int
    """How many tasks run at a time, over all calls. Default 5."""
    max_waiting: int
    """How many may wait to be let in; one more is refused as ``overloaded``. Default 1000."""
    max_starting: int | None
    """How many programs may be starting at the same time. Default: no limit of its own."""
    memory: MemoryLimit | None
    """How much memory must be left for another program to start. Default: nobody looks."""
    adaptive: Adaptive | None
    """Lets the number of places follow what the API says. Default: it stays ``max_concurrent``."""
    shedding: Shedding | None
    """Refuses tasks of the class ``sheddable`` when everybody waits for too long. Default: they wait like others."""
    hedge: Hedge | None
    """Starts a second attempt beside one whose first token is late, for tasks that may run twice: those that are
    ``idempotent``, and those whose ``tools`` are given and only read. Default: never."""
    rate_limit: RateLimit | None
    """How often tasks may start. Default 60 a minute and 1000 an hour for each provider, credential and model."""
    circuit_breaker: Circuit | None
    """When to stop asking somebody who fails. Default: after 5 failures in a row, for a minute."""
    budget: Budget | None
    """How much may be spent; with one, every run is capped. Default: no limit."""
    retry: RetryPolicy
    """What is tried again, how often and when."""
    timeout_ms: int
    """How long a task may take that has no time of its own, from being taken up to its outcome. Default 300 000."""
    fallbacks: list[Candidate]
    """What a task falls back to, one after the other; at most 5. Default: nothing."""
    pool: Pool | None
    """Keeps programs ready for tasks, started before there is a prompt. Default: none."""
    prefix_wait_ms: int | None
    """How long the tasks of a call with the same options wait for the first of them, so that they find their common
    beginning in the cache of the API. Default: they do not wait."""
