# What a node does in a broadcast: takes parts, checks them, unpacks them, and passes them on. POSIX sh.
# $1 where the data goes, $2 shell text that puts it there, $3 what undoes the compression, $4 seconds to live, the rest: names to
# look for there.
# Reads orders from its input, one a line, and says what happens, one line each. The end of its input ends it and
# removes all that it made: that is what happens when the controller dies.
mask=$(umask)
umask 077
LC_ALL=C
export LC_ALL
unset RSYNC_RSH RSYNC_CONNECT_PROG RSYNC_PARTIAL_DIR CDPATH
cd || exit 1
dest=$1 place=$2 squeezed=$3 life=$4
shift 4
say() { printf '%s\n' "$*"; }

for tool in rsync ssh tar gzip sha256sum mktemp mkfifo find sed date dirname; do
    command -v "$tool" >/dev/null 2>&1 || { say "unfit it has no $tool"; exit 0; }
done

base=$dest
until [ -d "$base" ]; do
    while :; do case $base in *?/) base=${base%/} ;; *) break ;; esac; done
    case $base in */*) base=${base%/*} ;; *) base=. ;; esac
    [ "$base" ] || base=/
done
base=${base%/}
keys=$HOME/.ssh/authorized_keys

# --- authorized_keys: one line, added by one write(2); taken out by a new file that is renamed over the old one

lock_keys() { command -v flock >/dev/null 2>&1 && exec 9<"$HOME/.ssh" && flock -w 10 9; }
unlock_keys() { exec 9<&-; }

add_key() { # the line without its mark, the mark
    [ -d "$HOME/.ssh" ] || { mkdir -m 700 "$HOME/.ssh" 2>/dev/null && made_folder=1; }
    lock_keys
    [ -e "$keys" ] || made_file=1
    if [ -s "$keys" ] && [ "$(tail -c 1 "$keys" | od -An -tx1 | tr -d ' ')" != 0a ]; then
        printf '\n%s %s+\n' "$1" "$2" >>"$keys"
    else
        printf '%s %s\n' "$1" "$2" >>"$keys"
    fi
    added=$?
    unlock_keys
    return $added
}

take_out_key() { # a mark
    [ -e "$keys" ] || return 0
    lock_keys
    tries=0
    while [ $tries -lt 20 ] && grep -aq -e " $1+*\$" "$keys"; do
        tries=$((tries + 1))
        real=$(readlink -f "$keys") || break
        new=$(mktemp "${real%/*}/.gridtui-keys-XXXXXXXX") || break
        cp -p "$real" "$new.was" && cp -p "$real" "$new" && {
            command -v chcon >/dev/null 2>&1 && chcon --reference="$real" "$new" 2>/dev/null
            sed -e "/ $1+*\$/d" <"$new.was" >"$new" &&
                if tail -n 1 "$new.was" | grep -aq -e " $1+\$"; then
                    # the newline before our line was ours, too
                    size=$(($(wc -c <"$new") - 1)) && head -c "$size" "$new" >"$new.end" && cat "$new.end" >"$new"
                fi &&
                cmp -s "$real" "$new.was" && mv -f "$new" "$real"
        }
        rm -f "$new" "$new.was" "$new.end"
    done
    [ "$made_file" ] && [ ! -s "$keys" ] && rm -f "$keys"
    unlock_keys
    [ "$made_folder" ] && rmdir "$HOME/.ssh" 2>/dev/null
    ! { [ -e "$keys" ] && grep -aq -e " $1+*\$" "$keys"; }
}

sweep_keys() { # what earlier runs left, if its time is over
    [ -e "$keys" ] && grep -aq ' gridtui-peers:' "$keys" || return 0
    now=$(date +%Y%m%d%H%M%S)
    grep -a '^restrict,command=.* gridtui-peers:[A-Za-z0-9.]*+*$' "$keys" | while IFS= read -r line; do
        until=${line#*expiry-time=\"} until=${until%%\"*} mark=${line##* } mark=${mark%+}
        case $until in '' | *[!0-9]*) continue ;; esac
        [ "$until" -lt "$now" ] && take_out_key "$mark"
    done
}

sweep_folders() { # what a killed node left: folders that mktemp named, each where it makes such, nothing that only begins so
    for where in "${base:-/}/.gridtui-peers-" /tmp/gridtui-peers-; do
        find "${where%/*}/" -maxdepth 1 -type d -user "$(id -u)" -name "${where##*/}????????" -mtime +1 -exec rm -rf {} + 2>/dev/null
    done
}

# --- folders, and their end

main=$$
host_at=${SSH_CONNECTION#* * } port_at=${host_at#* } host_at=${host_at%% *}
tmp=$(mktemp -d /tmp/gridtui-peers-XXXXXXXX) || { say "unfit it has no room in /tmp"; exit 0; }
mark=gridtui-peers:${tmp##*-}
stage=

end_all() {
    trap '' HUP INT TERM PIPE
    trap - EXIT
    take_out_key "$mark\\.[0-9]*"
    # sessions that came through our doors: sshd itself would keep a dead one for hours
    [ -f "$tmp/doors" ] && sort -u "$tmp/doors" | while IFS= read -r door; do
        case $(cat "/proc/$door/comm" 2>/dev/null) in sshd*) kill -TERM "$door" 2>/dev/null ;; esac
    done
    kill -TERM 0
    rm -rf "$stage" "$tmp" 2>/dev/null || { sleep 0.3; rm -rf "$stage" "$tmp"; }
}
trap end_all EXIT
trap 'exit 1' HUP INT TERM PIPE

stage=$(mktemp -d "$base/.gridtui-peers-XXXXXXXX" 2>"$tmp/err") || {
    say "unfit it has no room: $(head -c 300 "$tmp/err" | tr '\n' ' ')"
    exit 0
}
case $stage in /*) ;; *) stage=$PWD/$stage ;; esac
mkdir "$stage/in" "$stage/have" "$stage/order" "$stage/out"
ln -s "$stage/in" "$tmp/in"
mkfifo "$tmp/events" "$tmp/order"
exec 3<>"$tmp/events" 4<>"$tmp/order"
echo 0 >"$tmp/beat"

watchdog() { # ends everything when the loop below died, the controller fell silent, or time is over
    last= quiet=0 spent=0
    while sleep 5; do
        spent=$((spent + 5))
        kill -0 $main 2>/dev/null || { end_all; exit; }
        IFS= read -r now <"$tmp/beat"
        [ "$now" = "$last" ] && quiet=$((quiet + 5)) || quiet=0
        last=$now
        [ $quiet -ge 60 ] || [ $spent -ge "$life" ] && kill -TERM $main
    done
}

# --- parts

unsqueeze() { case $squeezed in gzip) gzip -dc ;; *) cat ;; esac }

unpack() {
    while IFS= read -r k; do
        [ "$k" = end ] && exit
        cat "$stage/order/$k" || exit
        rm -f "$stage/order/$k"
    done <"$tmp/order" | unsqueeze 2>"$tmp/unpack" | tar -xpf - -C "$stage/out" 2>>"$tmp/unpack"
    say "unpacked $? $(tail -n 2 "$tmp/unpack" | tr '\n' ' ' | head -c 400)"
}

look() { # at what came
    for file in "$stage"/in/*; do
        k=${file##*/}
        case $k in *[!0-9]*) continue ;; esac
        eval "want=\${sum_$k-}"
        [ "$want" ] || continue
        got=$(sha256sum <"$file")
        if [ "${got%% *}" = "$want" ]; then
            mv -f "$file" "$stage/have/$k"
            ln -f "$stage/have/$k" "$stage/order/$k"
            say "have $k"
            for child in $children; do offer "$child" "$k"; done
        else
            rm -f "$file"
            say "bad $k"
        fi
    done
    while [ -e "$stage/order/$next" ]; do
        echo "$next" >&4
        next=$((next + 1))
        [ "$next" = "$count" ] && echo end >&4
    done
}

offer() { # a part to a child: only a sign, the child's loop looks itself what there is
    echo "$2" 1<>"$tmp/child.$1"
}

rsync_to() { # child, parts
    child=$1
    shift
    (cd "$stage/have" && exec rsync -W --timeout=30 \
        -e "ssh -F /dev/null -S $tmp/link.$child -o ControlMaster=no -o ProxyCommand=false -o BatchMode=yes" \
        "$@" x:in/ >/dev/null 2>"$tmp/sent.$child.$1") && return 0
    code=$?
    for k; do
        [ -e "$stage/have/$k" ] || continue # everybody has it by now
        say "sent $child $k $code $(tail -n 2 "$tmp/sent.$child.$1" | tr '\n' ' ' | head -c 300)"
    done
}

feed() { # child, user, address, port, host key algorithms, first part, parts that are there: one login, then two at a time
    # IdentityFile=none, because the only key is the controller's, and it stays there
    ssh -F /dev/null -N -T -x -a -p "$4" -l "$2" -S "$tmp/link.$1" -o ControlMaster=yes -o ControlPersist=no \
        -o BatchMode=yes -o PreferredAuthentications=publickey -o IdentityFile=none -o IdentityAgent="$tmp/agent" \
        -o StrictHostKeyChecking=yes -o UserKnownHostsFile="$tmp/known.$1" -o GlobalKnownHostsFile=/dev/null \
        -o HostKeyAlias=gridtui-peer -o HostKeyAlgorithms="$5" -o UpdateHostKeys=no -o CheckHostIP=no \
        -o BindAddress="$host_at" -o ConnectTimeout=5 -o ServerAliveInterval=4 -o ServerAliveCountMax=3 \
        -o ClearAllForwardings=yes -o Compression=no -o LogLevel=ERROR \
        -o KexAlgorithms=curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,diffie-hellman-group-exchange-sha256 \
        -o Ciphers=aes128-gcm@openssh.com,chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-ctr \
        "$3" >/dev/null 2>"$tmp/ssh.$1" </dev/null &
    master=$!
    echo $master >"$tmp/master.$1"
    turns=0
    until [ -S "$tmp/link.$1" ]; do
        turns=$((turns + 1))
        if [ $turns -gt 200 ] || ! kill -0 $master 2>/dev/null; then
            kill $master 2>/dev/null
            say "nolink $1 $(tail -n 2 "$tmp/ssh.$1" | tr '\n' ' ' | head -c 300)"
            exit
        fi
        sleep 0.05
    done
    say "linked $1"
    before= low=$6 top=-1 sent=" $(echo "$7" | tr , ' ') "
    while IFS=' ' read -r k part; do
        case $k in
        stop) exit ;;
        again)
            sent="${sent%%" $part "*} ${sent#*" $part "}"
            [ "$part" -lt $low ] && low=$part
            ;;
        *) [ "$k" -gt $top ] && top=$k ;;
        esac
        while :; do
            batch= number=$low count=0
            # more than one at a time only where links are faster than processors
            while [ $number -le $top ] && [ $count -lt 4 ]; do
                case $sent in
                *" $number "*) [ $number = $low ] && low=$((low + 1)) ;;
                *) [ -e "$stage/have/$number" ] && batch="$batch $number" count=$((count + 1)) sent="$sent$number " ;;
                esac
                number=$((number + 1))
            done
            [ "$batch" ] || break
            # shellcheck disable=SC2086
            rsync_to "$1" $batch &
            [ "$before" ] && wait "$before"
            before=$!
        done
    done <&8
}

stop() {
    case " $children " in *" $1 "*) ;; *) return 0 ;; esac
    rest=
    for child in $children; do [ "$child" = "$1" ] || rest="$rest $child"; done
    children=$rest
    kill "$(cat "$tmp/master.$1")" 2>/dev/null
    echo stop 1<>"$tmp/child.$1"
}

reach() { # microseconds to connect to an SSH server, if it is one
    command -v bash >/dev/null 2>&1 && command -v timeout >/dev/null 2>&1 || { say "trip $1 unknown"; exit; }
    took=$(timeout 3 bash -c 'a=${EPOCHREALTIME/[.,]/}; exec 3<>"/dev/tcp/$1/$2" || exit; b=${EPOCHREALTIME/[.,]/}
        IFS= read -r -n 4 -u 3 said; [ "$said" = SSH- ] && echo $((b - a))' - "$2" "$3" 2>/dev/null)
    say "trip $1 ${took:-none}"
}

allow() { # number, address, key, the rsync command: the door for one feeder, for a minute
    door=$1 from=$2 key=$3
    shift 3
    cat >"$tmp/take.$door" <<END
cd $tmp || exit 1
echo \$PPID >>doors
$*
status=\$?
echo wake 1<>events
exit \$status
END
    until=$(date -d "@$(($(date +%s) + 60))" +%Y%m%d%H%M%S) &&
        add_key "restrict,command=\"exec /bin/sh $tmp/take.$door\",from=\"$from\",expiry-time=\"$until\" ssh-ed25519 $key" "$mark.$door" &&
        say "allowed $door" || say "notallowed $door"
}

put() {
    if ! (cd "$stage/out" && sha256sum -c sums) >"$tmp/sums" 2>&1; then
        say "placed 1 a file does not match its hash: $(grep -v ': OK$' "$tmp/sums" | head -n 1 | head -c 300)"
        exit
    fi
    umask "$mask"
    turns=0
    while :; do
        eval "$place" >"$tmp/placed" 2>&1
        code=$?
        turns=$((turns + 1))
        [ $code = 75 ] && [ $turns -lt 90 ] || break # another transfer to the same place goes on
        sleep 1
    done
    say "placed $code $(tail -n 3 "$tmp/placed" | tr '\n' ' ' | head -c 600)"
}

work() {
    children= next=0 count=none
    while IFS=' ' read -r verb a b c d e f g; do
        case $verb in
        wake) look ;;
        part)
            eval "sum_$a=$b"
            look
            ;;
        count)
            count=$a
            [ "$next" = "$count" ] && echo end >&4
            ;;
        drop) rm -f "$stage/have/$a" ;;
        again) echo "again $b" 1<>"$tmp/child.$a" ;;
        key) printf 'gridtui-peer %s %s\n' "$b" "$c" >"$tmp/known.$a" ;;
        feed) # child, user, address, port, algorithms, first part, parts not to send
            stop "$a"
            rm -f "$tmp/child.$a" "$tmp/link.$a" && mkfifo "$tmp/child.$a" && exec 8<>"$tmp/child.$a"
            feed "$a" "$b" "$c" "$d" "$e" "$f" "$g" &
            children="$children $a"
            for file in "$stage"/have/*; do [ -e "$file" ] && offer "$a" "${file##*/}"; done
            exec 8<&-
            ;;
        stop) stop "$a" ;;
        reach) reach "$a" "$b" "$c" & ;;
        put) put & ;;
        esac
    done <&3
}

# --- the loop

printf 'shift\nprintf "%%s\\n" "$*" >%s\n' "$tmp/speaks" >"$tmp/show"
rsync -W --timeout=30 -e "sh $tmp/show" "$tmp/show" x:in/ >/dev/null 2>&1 </dev/null
cat >"$tmp/take" <<END
cd $tmp || exit 1
rsync "\$@"
status=\$?
echo wake 1<>events
exit \$status
END
sweep_keys
sweep_folders
seen=no
for name; do [ -e "$dest/$name" ] || [ -L "$dest/$name" ] && seen=yes; done
[ -f "$dest" ] && seen=yes
work &
unpack &
watchdog &
free=$(df -Pk "$stage" | sed -n '2s/.* \([0-9][0-9]*\)  *[0-9]*%.*/\1/p')
say "ready $tmp ${host_at:--} ${port_at:--} $(id -un) $seen ${free:-0} $(head -n 1 "$tmp/speaks" 2>/dev/null)"
beat=0
while IFS= read -r line; do
    case $line in
    ping)
        beat=$((beat + 1))
        echo $beat >"$tmp/beat"
        ;;
    "allow "*)
        set -f
        # shellcheck disable=SC2086
        allow ${line#allow }
        set +f
        ;;
    "forbid "*) take_out_key "$mark\\.${line#forbid }" ;;
    bye) break ;;
    *) printf '%s\n' "$line" >&3 ;;
    esac
done
exit 0
