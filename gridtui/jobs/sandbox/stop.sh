# shellcheck shell=sh disable=SC2034,SC2154 # a piece of a text: other names are the keeper's and the other pieces'
# What systemd runs as root when a job's service has ended and its cgroup is still there.
{
    case $EXIT_CODE in
        exited) echo "status $EXIT_STATUS" ;;
        killed | dumped)
            sh -c "kill -s $EXIT_STATUS \$\$"
            echo "status $?"
            ;;
    esac
    [ "$SERVICE_RESULT" != oom-kill ] || echo oom
    box_counts
} >"$job/box.end" 2>/dev/null
