# The mesh of WireGuard on one node, written by the playbook mesh. POSIX sh.
#
#   key ROTATE CHECK   make a key where there is none (ROTATE 1: one to come), and print what the controller has to know
#   adopt              the key to come is the key from now on
#   up                 make the interface and configure it; safe to repeat, and then nothing is lost
#   configure          the same for an interface that is there
#   down               remove it
#   tell               read peers from standard input, in the format of the file `peers`, in place of those of the same names
set -u
umask 077
LC_ALL=C
PATH=/usr/sbin:/usr/bin:/sbin:/bin
# A name of an endpoint that is not known must not hold up the rest for minutes.
WG_ENDPOINT_RESOLUTION_RETRIES=3
export LC_ALL PATH WG_ENDPOINT_RESOLUTION_RETRIES
folder=/etc/gridtui/mesh

INTERFACE='' ADDRESSES='' MTU=1420 RELAY=0
# shellcheck source=/dev/null # written by the playbook, on the node
[ ! -f $folder/settings ] || . $folder/settings

has() { command -v "$1" >/dev/null 2>&1; }

die() {
    echo "mesh: $*" >&2
    exit 1
}

sum() { if [ -f "$1" ]; then sha256sum <"$1" | cut -d' ' -f1; fi; }

# -- keys: made here, and read by nobody but wg

key() {
    name=private.key
    [ "$1" = 0 ] || name=private.new
    # Who has no wg has no key either: in check mode, before the first run.
    if has wg && [ "$2" = 0 ] && { [ "$1" = 1 ] || [ ! -s $folder/private.key ]; }; then
        { mkdir -p $folder && wg genkey >$folder/made && mv $folder/made $folder/$name; } || die "no key could be made"
        echo made=1
    fi
    if has wg && [ -s $folder/$name ]; then
        echo "public=$(wg pubkey <$folder/$name)"
        echo "since=$(stat -c %Y $folder/$name)"
    fi
    for file in settings peers mesh; do echo "$file=$(sum $folder/$file)"; done
    for unit in gridtui-mesh gridtui-mesh-go; do echo "$unit=$(sum /etc/systemd/system/$unit.service)"; done
    echo "enabled=$(systemctl is-enabled gridtui-mesh.service 2>/dev/null)"
    echo "active=$(systemctl is-active gridtui-mesh.service 2>/dev/null)"
    echo "up=$([ -n "$INTERFACE" ] && ip link show dev "$INTERFACE" >/dev/null 2>&1 && echo 1)"
    if [ -f $folder/peers ]; then sed 's/^/| /' $folder/peers; fi
}

adopt() { [ ! -s $folder/private.new ] || mv -f $folder/private.new $folder/private.key; }

# -- the interface

up() {
    if ! ip link show dev "$INTERFACE" >/dev/null 2>&1; then
        modprobe -q wireguard 2>/dev/null
        if ! ip link add dev "$INTERFACE" type wireguard 2>/dev/null; then
            has wireguard-go || die "this kernel has no WireGuard, and there is no wireguard-go"
            if [ ! -c /dev/net/tun ]; then { mkdir -p /dev/net && mknod -m 666 /dev/net/tun c 10 200; } || die "no TUN device"; fi
            systemctl start gridtui-mesh-go.service || die "wireguard-go does not start"
            return
        fi
    fi
    configure
}

configure() {
    waited=0
    until wg show "$INTERFACE" >/dev/null 2>&1; do
        [ $waited -lt 100 ] || die "$INTERFACE does not come up"
        sleep 0.1
        waited=$((waited + 1))
    done
    # The key goes through a pipe, never through an argument. Peers that stay keep their sessions.
    { echo "[Interface]" && printf 'PrivateKey = %s\n' "$(cat $folder/private.key)" && cat $folder/peers; } |
        wg syncconf "$INTERFACE" /dev/stdin || die "wg refuses the configuration"
    # Containers and hardened hosts have IPv6 switched off by default; here it is the point.
    if [ -e "/proc/sys/net/ipv6/conf/$INTERFACE/disable_ipv6" ]; then echo 0 >"/proc/sys/net/ipv6/conf/$INTERFACE/disable_ipv6"; fi
    for address in $ADDRESSES; do ip address replace "$address" dev "$INTERFACE" || die "no address $address"; done
    ip -o address show dev "$INTERFACE" scope global | awk '{ print $4 }' | while read -r address; do
        case " $ADDRESSES " in *" $address "*) ;; *) ip address del "$address" dev "$INTERFACE" ;; esac
    done
    ip link set dev "$INTERFACE" mtu "$MTU" up || die "$INTERFACE cannot be switched on"
    relay
}

# A relay forwards from the mesh into the mesh, and is no router for anything else that it was none for before.
relay() {
    nft delete table inet gridtui-mesh 2>/dev/null
    [ "$RELAY" = 1 ] || return 0
    has nft || die "a relay needs nft"
    if [ -e "/proc/sys/net/ipv4/conf/$INTERFACE/forwarding" ]; then echo 1 >"/proc/sys/net/ipv4/conf/$INTERFACE/forwarding"; fi
    rest=''
    all=/proc/sys/net/ipv6/conf/all/forwarding
    if [ -e $all ]; then
        if [ "$(cat $all)" = 0 ]; then
            # Who forwards no longer listens to routers, unless told so: the way out would be lost.
            for file in /proc/sys/net/ipv6/conf/*/accept_ra; do [ "$(cat "$file")" != 1 ] || echo 2 >"$file"; done
            : >/run/gridtui-mesh-forwards
        fi
        [ ! -e /run/gridtui-mesh-forwards ] || rest='meta nfproto ipv6 drop'
    fi
    # Before forwarding begins, so that there is no moment without.
    nft -f - <<NFT || die "nft refuses the relay's rules"
table inet gridtui-mesh {
    chain forward {
        type filter hook forward priority -5; policy accept;
        iifname "$INTERFACE" oifname "$INTERFACE" accept
        iifname "$INTERFACE" drop
        oifname "$INTERFACE" drop
        $rest
    }
}
NFT
    [ ! -e $all ] || echo 1 >$all
}

down() {
    if has nft; then nft delete table inet gridtui-mesh 2>/dev/null; fi
    if [ -e /run/gridtui-mesh-forwards ]; then
        echo 0 >/proc/sys/net/ipv6/conf/all/forwarding
        for file in /proc/sys/net/ipv6/conf/*/accept_ra; do [ "$(cat "$file")" != 2 ] || echo 1 >"$file"; done
        rm -f /run/gridtui-mesh-forwards
    fi
    systemctl stop gridtui-mesh-go.service 2>/dev/null
    [ -z "$INTERFACE" ] || ip link del dev "$INTERFACE" 2>/dev/null
    return 0
}

# -- peers

tell() {
    [ -s $folder/peers ] || exit 0
    cat >$folder/told && [ -s $folder/told ] || exit 1
    # Blocks begin with `# peer NAME ...`; what stands before the first one is the node's own.
    awk '
        FNR == 1 { file++ }
        /^# peer / { name = $3 }
        !/^# peer / && FNR == 1 { name = "" }
        file == 1 { if (name != "") { told[name] = told[name] $0 "\n" }; next }
        name in told { if (!(name in done)) { printf "%s", told[name]; done[name] = 1 }; next }
        { print }
        END { for (name in told) if (!(name in done)) printf "%s", told[name] }
    ' $folder/told $folder/peers >$folder/peers.new
    rm -f $folder/told
    if cmp -s $folder/peers $folder/peers.new; then
        rm -f $folder/peers.new
    else
        mv -f $folder/peers.new $folder/peers
        echo told
        configure
    fi
}

verb=$1
shift
case $verb in
    key | adopt | up | configure | down | tell) $verb "$@" ;;
    *) die "no such verb: $verb" ;;
esac
