# Reads the output of AVA; prints how many tests passed and how much failed: tests, hooks, exceptions and rejections
# that nobody caught, tests cut off by a timeout, and files that broke off, did not exit or held no test.
# When something failed AVA does not say how many passed: then its ticks are counted.
{ gsub(/\033\[[0-9;]*m/, ""); sub(/\r$/, "") }
/^ *(✔|√) / && !/\[expected fail\]/ { ticks++ }
/^ *[0-9]+ tests? passed$/ { passed += $1 }
/^ *[0-9]+ (tests?|hooks?) failed$/ { failed += $1 }
/^ *[0-9]+ uncaught exceptions?$/ { failed += $1 }
/^ *[0-9]+ unhandled rejections?$/ { failed += $1 }
/^ *[0-9]+ tests? remained pending after a timeout$/ { failed += $1 }
/^ *(✘|×) .+ exited (due to|with a non-zero exit code)/ { failed++ }
/^ *(✘|×) No tests found in / { failed++ }
/^ *(✘|×) [0-9]+ tests? remaining in / { failed += $2 }
/^ *(✘|×) (Internal error|Error in shared worker|Exiting due to process\.exit)/ { failed++ }
/^ *Failed to exit when running / { failed++ }
END { print (passed > 0 ? passed : ticks) + 0, failed + 0 }
