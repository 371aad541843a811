# Reads the output of a suite and prints "PASSED FAILED": the sums of the closing lines of its test runners.
# A runner that is not known here can close with the plain line "N passed, M failed".

# The number before WORD in the current line, 0 when there is none.
function before(word) { return match($0, "[0-9]+ " word) ? substr($0, RSTART, RLENGTH) + 0 : 0 }

{ gsub(/\033\[[0-9;]*m/, "") }

# cargo nextest:  Summary [ 1.2s] 34 tests run: 33 passed, 1 failed, 0 skipped
/^ *Summary \[/ { passed += before("passed"); failed += before("failed") + before("timed out") }
# cargo test:  test result: ok. 5 passed; 0 failed; 0 ignored
/^test result: / { passed += before("passed"); failed += before("failed") }
# pytest:  1 failed, 12 passed, 1 error in 3.21s
/^=* ?[0-9]+ (failed|passed|error|skipped|deselected).* in [0-9.]+s/ { passed += before("passed"); failed += before("failed") + before("error") }
# node --test:  # pass 12   (a sign of another kind before it on a terminal)
/^(#|ℹ) pass [0-9]+$/ { passed += $3 }
/^(#|ℹ) (fail|cancelled) [0-9]+$/ { failed += $3 }
# ExUnit:  2 doctests, 12 tests, 1 failure, 1 excluded
/^([0-9]+ doctests?, )?([0-9]+ propert(y|ies), )?[0-9]+ tests?, [0-9]+ failures?/ {
  bad = before("failure")
  failed += bad
  passed += before("doctest") + before("propert") + before("test[s,]") - bad - before("excluded") - before("skipped") - before("invalid")
}
# Our own scripts.
/^[0-9]+ passed, [0-9]+ failed$/ { passed += before("passed"); failed += before("failed") }

END { print passed + 0, failed + 0 }
