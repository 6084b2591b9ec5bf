# What the firewall role does on a node: firewall look|check|load|unload TABLE [UNIT]
#
#   look     as JSON: nft's version, the address and port of this login, other firewalls, and whether RULES is in force
#   check    would nft and this kernel take the rules on standard input?
#   load     take the rules on standard input in force, now (at once or not at all) and at every boot by the unit that is given
#   unload   remove the table. Prints what it did
set -u
LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export LC_ALL PATH
RULES=/etc/gridtui/firewall.nft
UNIT=gridtui-firewall.service
LOADED=/var/lib/gridtui/firewall

digest() { sha256sum | cut -d' ' -f1; }

# The table as it is in force, without what changes by itself: the sets that count who comes how often, and the names of
# protocols, which come and go with /etc/protocols.
table() { nft -s -n list table inet "$1" 2>/dev/null | awk '/^\tset counted/ { skip = 1 } !skip { print } /^\t}/ { skip = 0 }'; }

# SSH_CONNECTION of the login that this belongs to. sudo takes it out of the environment, so look at who called.
login() {
    process=$$
    while [ "${process:-0}" -gt 1 ]; do
        found=$(tr '\0' '\n' <"/proc/$process/environ" 2>/dev/null | sed -n 's/^SSH_CONNECTION=\([0-9a-fA-F:.%a-z]* [0-9]* [0-9a-fA-F:.%a-z]* [0-9]*\)$/\1/p')
        [ -z "$found" ] || break
        process=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$process/status" 2>/dev/null)
    done
    echo "${found:-}"
}

active() {
    if [ -d /run/systemd/system ]; then
        systemctl is-active --quiet "$1"
    else
        [ "$1" = ufw.service ] && ufw status 2>/dev/null | grep -q '^Status: active'
    fi
}

look() {
    version=$(nft --version 2>/dev/null | sed -n 's/^nftables v\([0-9.]*\).*/\1/p')
    others=''
    ! active firewalld.service || others="$others firewalld"
    if active ufw.service && { ! command -v ufw >/dev/null || ufw status 2>/dev/null | grep -q '^Status: active'; }; then
        others="$others ufw"
    fi
    # shellcheck disable=SC2046 # four words
    set -- "$1" $(login)
    file='' loaded=false boots=false systemd=false
    [ ! -f $RULES ] || file=$(digest <$RULES)
    [ ! -f $LOADED ] || [ "$(table "$1" | digest)" != "$(cat $LOADED)" ] || loaded=true
    [ ! -d /run/systemd/system ] || systemd=true
    if [ $systemd = false ] || [ "$(systemctl is-enabled $UNIT 2>/dev/null)" = enabled ]; then boots=true; fi
    printf '{"version": "%s", "others": "%s", "from": "%s", "port": %s, "file": "%s", "loaded": %s, "boots": %s, "systemd": %s}\n' \
        "$version" "${others# }" "${2-}" "${5-0}" "$file" $loaded $boots $systemd
}

# write FILE MODE: standard input, whole or not at all.
write() {
    mkdir -p "${1%/*}" && cat >"$1.new" && chmod "$2" "$1.new" && mv -f "$1.new" "$1"
}

load() {
    umask 022
    write $RULES 0600 || exit 1
    if [ -d /run/systemd/system ]; then
        printf '%s\n' "$2" | write /etc/systemd/system/$UNIT 0644 || exit 1
        if ! { systemctl daemon-reload && systemctl -q enable $UNIT && systemctl restart $UNIT; }; then
            journalctl -q -n 5 -o cat -u $UNIT >&2
            exit 1
        fi
    else
        nft -f $RULES || exit 1
    fi
    table "$1" | digest | write $LOADED 0600
}

unload() {
    if [ -d /run/systemd/system ] && [ -e /etc/systemd/system/$UNIT ]; then
        echo "disabled $UNIT"
        [ "$2" = 1 ] || systemctl -q disable --now $UNIT
    fi
    if nft list table inet "$1" >/dev/null 2>&1; then
        echo "removed the table $1"
        [ "$2" = 1 ] || nft delete table inet "$1" || exit 1
    fi
}

case $1 in
    look) look "$2" ;;
    check) nft -c -f - ;;
    load) load "$2" "$3" ;;
    unload) unload "$2" "$3" ;;
esac
