# Programs are started by the hundred: what a suite measures must not depend on its neighbours, so tests run one by one.
# The tests on the real `claude` run on request: `test/run --only real`.
ExUnit.start(max_cases: 1, timeout: 120_000, exclude: [:real])
