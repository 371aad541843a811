# Ends what a host leaves behind when it dies without ending it: programs that ignore the parent-death signal, and tools
# in sessions of their own. Started once per host by the keeper.
#
# Standard input is a pipe whose other end only the host holds: it ends when the host ends, whichever way. Standard output
# is the ledger: one mark per line for each program that runs now, lines of `~` where none does. Processes of a program
# carry its mark in their environment.

exec 3<&0 4<&1 </dev/null >/dev/null 2>/dev/null

guard() {
    trap '' HUP INT QUIT TERM
    read -r _ <&3
    grep -q '^[0-9]' /dev/fd/4 || exit 0

    # Polite at first; the parent-death signal was sent already, but tools did not get it. Not for long: a program whose
    # tool runs goes on for seconds when nobody reads what it writes.
    round=0
    clean=0
    while [ "$round" -lt 60 ]; do
        # Its status says nothing: processes end while it reads.
        left=$(grep -lsF -f /dev/fd/4 /proc/[0-9]*/environ)
        # A process that is just becoming another program shows no environment: nobody twice in a row is nobody.
        if [ -n "$left" ]; then clean=0; else clean=$((clean + 1)); fi
        [ "$clean" -lt 2 ] || exit 0
        case $round in
            0) signal=TERM ;;
            1) signal= ;;
            *) signal=KILL ;;
        esac
        if [ -n "$signal" ]; then
            for file in $left; do
                pid=${file#/proc/}
                kill -s "$signal" "${pid%/environ}"
            done
        fi
        round=$((round + 1))
        sleep 0.1 || sleep 1
    done
}

# In the background of a shell that ends at once: the guardian belongs to nobody, so no host ever waits for it.
guard &
