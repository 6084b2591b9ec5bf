# What has to change so that this sshd does what is asked, as JSON; changes nothing.
#
#   plan present GROUP USER,USER...    GROUP empty: who may log in stays as it is
#   plan absent GROUP
#
# Standard input of `present`, a line each:
#   must KEYWORD VALUE       is put before what others say
#   may KEYWORD VALUE        only where nobody has set anything but sshd's own default
#   root VALUE               as PermitRootLogin; without VALUE prohibit-password, or what is there where that is stricter
#   pick KEYWORD A,B,...     those of the algorithms that are offered now, so that nothing is offered that was not before
#   cert TYPE KEY DAYS NAMES each host key of the usual name has a certificate of the CA with this public key, for these names, good for DAYS more
#
# The result: mode `dropin` (a file in sshd_config.d), `include` (the file, and a line at the top of sshd_config, where
# nothing includes it before others speak) or `block` (lines at the top of sshd_config, for an sshd that knows no Include).
set -u
umask 077
LC_ALL=C
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
MAIN=/etc/ssh/sshd_config
FOLDER=/etc/ssh/sshd_config.d
NAME=00-gridtui.conf
BEGIN='# begin gridtui'
END='# end gridtui'

json() { awk '{ gsub(/[^ -~]/, "?"); gsub(/\\/, "\\\\"); gsub(/"/, "\\\""); printf "%s%s", sep, $0; sep = "\\n" }'; }

refuse() {
    printf '{"refused": "%s"}\n' "$(printf '%s\n' "$*" | json)"
    exit 0
}

note() { notes="$notes${notes:+, }\"$(printf '%s\n' "$*" | json)\""; }

temp=$(mktemp -d 2>/dev/null || mktemp -d -p /run 2>/dev/null) || refuse 'no folder for temporary files can be written'
trap 'rm -rf "$temp"' EXIT
sshd=$(command -v sshd) || refuse 'there is no sshd here'
[ -f $MAIN ] || refuse "there is no $MAIN here"
# It is made at the start of the service, which a socket may not have started yet.
[ -d /run/sshd ] || mkdir -m 0755 /run/sshd 2>/dev/null

settings() { "$sshd" -T -f "$1" 2>/dev/null; }
complaint() { "$sshd" -t -f "$1" 2>&1 | grep -v '^$' | head -n 1 | tr -d '\r' | sed -e "s#$temp/[a-z]*/d/#$FOLDER/#g" -e "s#$temp/[a-z]*/#/etc/ssh/#g"; }
sound() { "$sshd" -t -f "$1" >/dev/null 2>&1; }
value() { sed -n "s/^$1 //p" "$2" | head -n 1; }
lower() { printf '%s' "$1" | tr '[:upper:]' '[:lower:]'; }
has_include() { printf 'Include %s/none*.conf\n' "$temp" >"$temp/t" && sound "$temp/t"; }

# The configuration as it would be in folder $1 with our lines in file $2 by way of mode $3 (none: without ours).
build() {
    mkdir -p "$temp/$1/d"
    for file in "$FOLDER"/*.conf; do
        [ ! -f "$file" ] || [ "${file##*/}" = $NAME ] || cp "$file" "$temp/$1/d/"
    done
    {
        case $3 in
            include) echo "Include $temp/$1/d/$NAME" ;;
            block) cat "$2" ;;
        esac
        sed -e "/^$BEGIN\$/,/^$END\$/d" -e "/^[[:space:]]*[Ii][Nn][Cc][Ll][Uu][Dd][Ee][[:space:]]/s#\(/etc/ssh/\)\{0,1\}sshd_config\.d/#$temp/$1/d/#g" $MAIN
    } >"$temp/$1/sshd_config"
    case $3 in dropin | include) cp "$2" "$temp/$1/d/$NAME" ;; esac
}

# Whether all of our lines are what sshd would go by.
effective() {
    settings "$temp/$1/sshd_config" >"$temp/$1/all" || return
    # Read twice, names in lists are there twice.
    settings "$temp/ours" | sort -u >"$temp/alone"
    sed -n 's/^\([A-Za-z]*\) .*/\1/p' "$temp/ours" | tr '[:upper:]' '[:lower:]' | sort -u >"$temp/keys"
    while read -r key; do
        [ "$(grep "^$key " "$temp/alone")" = "$(sort -u "$temp/$1/all" | grep "^$key ")" ] || return
    done <"$temp/keys"
}

# -- how sshd is told that its configuration changed

find_service() {
    if [ -d /run/systemd/system ]; then
        for unit in ssh.service sshd.service; do
            [ "$(systemctl show --property=LoadState "$unit")" = LoadState=loaded ] && break
        done
        # Started by a socket, it reads its configuration anew when it starts.
        reload="systemctl try-reload-or-restart $unit"
        restore=$reload
        ! systemctl -q is-active "$unit" || restore="systemctl reload-or-restart $unit"
    else
        pidfile=$(value pidfile "$temp/now")
        reload="kill -HUP \$(cat ${pidfile:-/run/sshd.pid})"
        restore=$reload
    fi
}

# -- who may log in

# Everybody whom we may have come in as: no one of them is to be left outside.
logins() {
    [ -z "${SUDO_USER-}" ] || echo "$SUDO_USER"
    [ -z "${DOAS_USER-}" ] || echo "$DOAS_USER"
    loginuid=$(cat /proc/self/loginuid 2>/dev/null)
    case $loginuid in '' | 4294967295) ;; *) getent passwd "$loginuid" | cut -d: -f1 ;; esac
    printf '%s\n' "$1" | tr ',' '\n' | sed '/^$/d'
}

allow() {
    group=$1 joins=''
    [ -n "$group" ] || return
    if grep -qE '^(allow|deny)(users|groups) ' "$temp/before/all"; then
        note "who may log in is decided already ($(sed -nE 's/^((allow|deny)(users|groups) .*)/\1/p' "$temp/before/all" | head -n 3 | tr '\n' ';' | sed 's/;$//; s/;/; /g')): AllowGroups is left to it"
        return
    fi
    groups=$group
    [ "$root" = no ] || groups="$groups root"
    for other in sudo wheel admin; do
        ! getent group $other >/dev/null || groups="$groups $other"
    done
    for user in $(logins "$2" | sort -u); do
        id "$user" >/dev/null 2>&1 || continue
        id -Gn "$user" | tr ' ' '\n' | grep -qxF "$group" && continue
        # Root comes in by its own group.
        [ "$user" = root ] || joins="$joins${joins:+, }\"$user\""
    done
    echo "AllowGroups $groups" >>"$temp/ours"
    getent group "$group" >/dev/null || joins="$joins${joins:+, }\"\""
}

# -- certificates of the host keys

want_cert() {
    file=$1 ca=$2 days=$3 names=$4
    [ -f "$file.pub" ] || return
    echo "HostCertificate $file-cert.pub" >>"$temp/ours"
    if [ -f "$file-cert.pub" ]; then
        ssh-keygen -L -f "$file-cert.pub" >"$temp/cert" 2>/dev/null
        signer=$(printf '%s\n' "$ca" | ssh-keygen -lf - | cut -d' ' -f2)
        key=$(ssh-keygen -lf "$file.pub" | cut -d' ' -f2)
        until=$(sed -n 's/^ *Valid: from .* to //p' "$temp/cert")
        has=$(sed -n '/Principals:/,/Critical Options:/p' "$temp/cert" | sed '1d;$d;s/^ *//' | sort | tr '\n' ',')
        if grep -q "Signing CA: [^ ]* $signer" "$temp/cert" && grep -q "Public key: [^ ]* $key" "$temp/cert" &&
            [ "$has" = "$(printf '%s\n' "$names" | tr ',' '\n' | sort | tr '\n' ',')" ] &&
            [ "$(date -d "$until" +%s 2>/dev/null || echo 0)" -gt $(($(date +%s) + days * 86400)) ]; then
            return
        fi
    fi
    certs="$certs${certs:+, }{\"file\": \"$file\", \"key\": \"$(json <"$file.pub")\"}"
}

# -- the whole

want() {
    build before - none
    sound "$temp/before/sshd_config" || refuse "sshd's configuration has an error already, and nothing was changed: $(complaint "$temp/before/sshd_config")"
    settings "$temp/before/sshd_config" >"$temp/before/all"
    settings /dev/null >"$temp/default"
    root=''
    : >"$temp/ours"
    while read -r word keyword rest; do
        key=$(lower "$keyword")
        case $word in
            must | may)
                [ "$key" != match ] || refuse 'a Match block has no place among lines that stand before all others'
                echo "$keyword $rest" >"$temp/t"
                sound "$temp/t" || { note "this sshd knows no $keyword" && continue; }
                # An alias of older times, which stands beside the keyword only there.
                [ "$key" != challengeresponseauthentication ] || grep -q "^$key " "$temp/before/all" || continue
                if [ "$word" = may ] && [ "$(grep "^$key " "$temp/before/all")" != "$(grep "^$key " "$temp/default")" ]; then
                    continue
                fi
                ;;
            root)
                is=$(value permitrootlogin "$temp/before/all")
                case $keyword,$is in
                    ,no | ,forced-commands-only) rest=$is ;;
                    ,*) rest=prohibit-password ;;
                    *) rest=$keyword ;;
                esac
                keyword=PermitRootLogin root=$rest
                ;;
            pick)
                offered=$(value "$key" "$temp/before/all" | tr ',' '\n')
                rest=$(printf '%s\n' "$rest" | tr ',' '\n' | while read -r name; do
                    printf '%s\n' "$offered" | grep -xF -e "$name"
                done | tr '\n' ',' | sed 's/,$//')
                [ -n "$rest" ] || continue
                ;;
            cert)
                # shellcheck disable=SC2086
                set -- $rest
                for kind in ed25519 ecdsa rsa; do
                    file=/etc/ssh/ssh_host_${kind}_key
                    ! grep -qxF "hostkey $file" "$temp/before/all" || want_cert "$file" "$keyword $1" "$2" "$3"
                done
                continue
                ;;
            *) continue ;;
        esac
        echo "$keyword $rest" >>"$temp/ours"
    done
}

plan_present() {
    want
    allow "$1" "$2"
    sound "$temp/ours" || refuse "what is asked for is wrong: $(complaint "$temp/ours")"
    mode=''
    if has_include; then tries='dropin include'; else tries=block; fi
    for try in $tries; do
        build "$try" "$temp/ours" "$try"
        sound "$temp/$try/sshd_config" || refuse "with these lines sshd would not start: $(complaint "$temp/$try/sshd_config")"
        if effective "$try"; then
            mode=$try
            break
        fi
    done
    [ -n "$mode" ] || refuse "other lines of sshd's configuration stand before ours, whatever we do: see sshd -T"
    if [ "$mode" = include ] && [ "$(ls "$temp/include/d")" != $NAME ]; then
        note "lines of others stood before ours; $MAIN reads ours first now"
    fi
    if [ "$root" = no ] && [ "$(value permitrootlogin "$temp/before/all")" != no ] && ! logins '' | grep -qvx root; then
        refuse 'the login is root, whom PermitRootLogin no would leave outside: log in as another user, who may use sudo'
    fi
    case $mode in
        dropin) block='' ;;
        include) block="Include $FOLDER/$NAME" ;;
        block) block=$(cat "$temp/ours") ;;
    esac
    is=$(sed -n "/^$BEGIN\$/,/^$END\$/p" $MAIN | sed '1d;$d')
    differs=false
    { printf '# Made by gridtui (playbook ssh).\n' && cat "$temp/ours"; } >"$temp/file"
    if [ "$mode" != block ] && ! cmp -s "$temp/file" $FOLDER/$NAME; then differs=true; fi
    if [ "$is" != "$block" ] || [ -n "$certs" ]; then differs=true; fi
    printf '"mode": "%s", "config": "%s\\n", "block": "%s", "joins": [%s], "certs": [%s], ' \
        "$mode" "$(json <"$temp/file")" "$(printf '%s\n' "$block" | json)" "$joins" "$certs" >"$temp/result"
}

# The members of the group are told, because a rollback has to make it again.
plan_absent() {
    differs=false
    printf '"members": "%s", ' "$(getent group "$1" | cut -d: -f4 | tr ',' ' ' | json)" >"$temp/result"
    if [ -e $FOLDER/$NAME ] || grep -q "^$BEGIN\$" $MAIN; then differs=true; fi
}

notes='' certs='' joins=''
verb=$1
shift
settings $MAIN >"$temp/now"
find_service
"plan_$verb" "${1-}" "${2-}"
printf '{%s"differs": %s, "reload": "%s", "restore": "%s", "notes": [%s]}\n' \
    "$(cat "$temp/result")" "$differs" "$(printf '%s\n' "$reload" | json)" "$(printf '%s\n' "$restore" | json)" "$notes"
