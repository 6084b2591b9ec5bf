# What the playbook reboot asks a node. POSIX sh.
#
#   look              lines NAME=VALUE: mark (differs after each boot), failed (units, before the reboot), why (it wants a reboot; empty: it does not)
#   well UNITS        0 when it has booted and nothing failed but UNITS; else says what is wrong
set -u
LC_ALL=C
export LC_ALL

# In a container the kernel, and its boot id, outlive the boot: the start of process 1 does not.
mark() { echo "$(cat /proc/sys/kernel/random/boot_id)-$(sed 's/.*) //' /proc/1/stat | cut -d' ' -f20)"; }

failed() {
    [ -d /run/systemd/system ] || return 0
    systemctl list-units --state=failed --all --full --plain --no-legend --no-pager | sed 's/^[^A-Za-z0-9]* *//; s/ .*//' | sort
}

why() {
    if [ -e /run/reboot-required ] || [ -e /var/run/reboot-required ]; then
        echo "the system asks for it (/run/reboot-required)"
    elif command -v needs-restarting >/dev/null && ! needs-restarting -r >/dev/null 2>&1; then
        echo "updates ask for it (needs-restarting -r)"
    fi
}

case $1 in
    mark) mark ;;
    look)
        echo "mark=$(mark)"
        echo "failed=$(failed | tr '\n' ' ')"
        echo "why=$(why)"
        ;;
    well)
        if [ -d /run/systemd/system ]; then
            state=$(systemctl is-system-running 2>/dev/null)
            case $state in
                running | degraded) ;;
                *) echo "systemd is still $state" && exit 1 ;;
            esac
        fi
        new=''
        for unit in $(failed); do
            case " $2 " in *" $unit "*) ;; *) new="$new $unit" ;; esac
        done
        [ -z "$new" ] || { echo "failed since the reboot:$new" && exit 1; }
        ;;
esac
