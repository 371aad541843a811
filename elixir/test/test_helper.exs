# Programs are started by the hundred: what a suite measures must not depend on its neighbours, so tests run one by one.
ExUnit.start(
  max_cases: 1,
  timeout: 120_000,
  exclude: if(System.get_env("MADRIGAL_REAL_CLI"), do: [], else: [:real])
)
