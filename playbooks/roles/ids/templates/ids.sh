# Written by the playbook ids: what it does on this node, and what `gridtui check` reads of it.
#
#   report                 write {{ ids_folder }}/status, for everybody to read
#   compare                compare files with the baseline; what has changed is in {{ ids_folder }}/changes, for root
#   init [anew]            make a baseline of what is there now: where there is none for these rules, or in any case
#   apply SOURCE...        take up files that were written
#   stop, leave            before they are taken away, and after that
set -u
umask 077
LC_ALL=C
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
cd {{ ids_folder }} || exit 1

die() {
    echo "$*" >&2
    exit 1
}

# Only root speaks for sshd. A login counts once for each wrong password, or once if it got to none.
failed_logins() {
    journalctl -q --no-pager -o short --since=-1h _UID=0 _COMM=sshd + _UID=0 _COMM=sshd-session + _COMM=sudo + _COMM=su + _COMM=login |
        awk '
            !match($0, /^[A-Z][a-z][a-z] [ 0-9][0-9] [0-9:]+ [^ ]+ [a-z-]+\[[0-9]+\]: /) { next }
            { head = substr($0, 1, RLENGTH - 2); text = substr($0, RLENGTH + 1); n = split(head, word, " "); from = word[n] }
            from ~ /^sshd/ && text ~ /^Accepted / { in_[from] = 1 }
            from ~ /^sshd/ && text ~ /^Failed (password|keyboard-interactive)/ { wrong[from]++ }
            from ~ /^sshd/ && text ~ /^(Invalid user |Failed |Connection (closed|reset) by (authenticating|invalid) user |error: maximum authentication attempts |Disconnected from (authenticating|invalid) user )/ { tried[from] = 1 }
            from !~ /^sshd/ && text ~ /^pam_unix\([a-z-]+:auth\): authentication failure/ { other++ }
            END {
                total = other + 0
                for (from in wrong) total += wrong[from]
                for (from in tried) if (!(from in wrong) && !(from in in_)) total++
                print total
            }'
}

# Addresses, each once, of all of fail2ban's lists.
bans() {
    said=$(timeout 20 fail2ban-client banned 2>/dev/null) || return 1
    echo "$said" | grep -oE "'[0-9a-fA-F]*[.:][0-9a-fA-F.:]*'" | sort -u | wc -l
}

report() {
    {
        echo schema=1
        echo "time=$(date +%s)"
{% if ids_bans | bool %}
        if found=$(bans); then echo "bans=$found"; fi
{% endif %}
        echo "failed_logins=$(failed_logins)"
{% if ids_files | bool %}
        if [ -f aide.db.gz ]; then
            if [ -f compared ]; then cat compared; fi
        else
            echo baseline=missing
        fi
{% endif %}
{% if ids_audits | bool %}
        if systemctl -q is-active auditd; then echo audit=running; else echo audit=stopped; fi
{% elif ids_audit | bool %}
        echo audit=container
{% else %}
        echo audit=none
{% endif %}
        echo end=1
    } >status.new && chmod 644 status.new && mv -f status.new status
}

# aide VERB: the option for the database was renamed in 0.17.
aide_() {
    case $(aide --version 2>&1 | sed -n 's/^AIDE,* *\(version \)*//p;1q') in
        0.1[0-6]*) database=database ;;
        *) database=database_in ;;
    esac
    { printf '%s=file:%s\ndatabase_out=file:%s\n' $database "$PWD/aide.db.gz" "$PWD/aide.db.new" && cat /etc/gridtui/aide.conf; } | aide --config=- "$1"
}

init() {
    rules=$(sha256sum </etc/gridtui/aide.conf)
    if [ "${1-}" != anew ] && [ -f aide.db.gz ] && [ "$rules" = "$(cat aide.rules 2>/dev/null)" ]; then return; fi
    rm -f aide.db.new
    aide_ --init >init.log 2>&1 || { cat init.log >&2; die "AIDE made no baseline"; }
    sha256sum <aide.db.new >aide.sum && mv -f aide.db.new aide.db.gz && rm -f init.log
    echo "$rules" >aide.rules
    noted 0 ok
    echo made
}

# noted COUNT BASELINE
noted() {
    printf 'changed=%s\nchanged_time=%s\nbaseline=%s\n' "$1" "$(date +%s)" "$2" >compared.new && mv -f compared.new compared
    report
}

compare() {
    [ -f aide.db.gz ] || die "there is no baseline"
    aide_ --check >changes.new 2>&1
    status=$?
    mv -f changes.new changes
    head -n 300 changes
    case $status in
        0) count=0 ;;
        [1-7]) count=$(awk '/^ *(Added|Removed|Changed) entries:[ \t]*[0-9]+$/ { n += $NF } END { print n + 0 }' changes) ;;
        *) die "AIDE ended with status $status" ;;
    esac
    # A baseline that was made anew is itself a file that has changed.
    if [ "$(sha256sum <aide.db.gz)" = "$(cat aide.sum)" ]; then
        noted "$count" ok
    else
        count=$((count + 1))
        noted "$count" changed
    fi
    echo "changed=$count"
}

apply() {
    systemctl daemon-reload
    for source; do
        case $source in
            jail.local | action.conf) bad=$(fail2ban-client -t 2>&1) && systemctl restart fail2ban || die "fail2ban: ${bad-}" ;;
            audit.rules) augenrules --load ;;
            *.timer) systemctl try-restart "$source" ;;
        esac
    done
}

stop() {
    for unit in gridtui-ids gridtui-aide; do
        systemctl disable --now $unit.timer 2>/dev/null
        systemctl stop $unit.service 2>/dev/null || :
    done
}

# What was there before us is back: those of the services that stay have to read it.
leave() {
    if systemctl -q is-active fail2ban; then systemctl restart fail2ban; fi
    if command -v augenrules >/dev/null; then augenrules --load; fi
    nft delete table inet gridtui-bans 2>/dev/null || :
}

verb=$1
shift
case $verb in
    report | compare | init | apply | stop | leave) $verb "$@" ;;
    *) die "no such verb: $verb" ;;
esac
