# What a role found on a node before it changed anything, kept so that undoing gives it back.
#
#   keep ROLE CHECK CACHE LOCK [--package NAME...] [--file PATH...] [--unit NAME...] [--user NAME...] [--group NAME...]
#   undo ROLE CHECK PACKAGES LOCK
#
# CHECK 1: change nothing, only tell. CACHE: seconds for which the package lists are good. LOCK: seconds to wait for the
# package manager. PACKAGES 0: leave the packages. Prints one line for everything it did; nothing when there was nothing
# to do. A NAME of a package may be `a|b` (the first one that is there or can be had) and end in `?` (only where it can be had).
#
# In /var/lib/gridtui/record/ROLE: `wanted` and `packages` (what the role asks for; what came with it, dependencies too),
# `files` (kept|absent PATH) with their copies below `copies`, `units` (UNIT ENABLED ACTIVE), `users`, `groups` (made by us).
set -u
umask 077
LC_ALL=C
DEBIAN_FRONTEND=noninteractive
export LC_ALL DEBIAN_FRONTEND
RECORDS=/var/lib/gridtui/record

die() {
    echo "$*" >&2
    exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

# -- packages, of whichever manager there is

installed() {
    case $MANAGER in
        apt) [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ] ;;
        rpm) rpm -q --whatprovides "$1" >/dev/null 2>&1 ;;
    esac
}

available() {
    case $MANAGER in
        apt) apt-cache policy "$1" 2>/dev/null | grep -q 'Candidate: [^(]' ;;
        rpm) $DNF -q list "$1" >/dev/null 2>&1 ;;
    esac
}

everything() {
    case $MANAGER in
        apt) dpkg-query -W -f '${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p' ;;
        rpm) rpm -qa --qf '%{NAME}\n' ;;
    esac | sort -u
}

refresh() { [ "$MANAGER" = rpm ] || apt-get -q -o "DPkg::Lock::Timeout=$LOCK" update >"$LOG" 2>&1; }

fresh() {
    [ "$MANAGER" = rpm ] && return
    [ -n "$(find /var/lib/apt/lists -maxdepth 1 -name '*_Packages*' 2>/dev/null | head -n 1)" ] &&
        [ -n "$(find /var/lib/apt/lists /var/lib/apt/periodic/update-success-stamp -maxdepth 0 -mmin "-$((CACHE / 60))" 2>/dev/null)" ]
}

install_them() {
    case $MANAGER in
        apt) apt-get -q -y -o "DPkg::Lock::Timeout=$LOCK" -o Dpkg::Options::=--force-confold --no-install-recommends install "$@" ;;
        rpm) $DNF -q -y --setopt=install_weak_deps=False install "$@" ;;
    esac >"$LOG" 2>&1 </dev/null
}

# Removes those of the packages that nobody else needs, each after what depends on it.
remove_them() {
    case $MANAGER in
        apt)
            waited=0
            until dpkg --purge "$@" >"$LOG" 2>&1 </dev/null || ! grep -q ' lock' "$LOG" || [ $waited -ge "$LOCK" ]; do
                sleep 2
                waited=$((waited + 2))
            done
            ;;
        rpm)
            again=1
            while [ $again = 1 ]; do
                again=0
                for name; do rpm -q "$name" >/dev/null 2>&1 && rpm -e "$name" >"$LOG" 2>&1 && again=1; done
            done
            ;;
    esac
}

# The packages to install of those that are asked for, into $missing; the names that they have here into $names.
choose() {
    missing='' names=''
    for asked; do
        optional=0
        case $asked in *\?) optional=1 asked=${asked%\?} ;; esac
        chosen=''
        for name in $(echo "$asked" | tr '|' ' '); do
            installed "$name" && chosen=$name && break
        done
        if [ -n "$chosen" ]; then
            names="$names $chosen"
            continue
        fi
        fresh || [ "$CHECK" = 1 ] || [ -n "${refreshed-}" ] || { refresh; refreshed=1; }
        for name in $(echo "$asked" | tr '|' ' '); do
            available "$name" && chosen=$name && break
        done
        if [ -z "$chosen" ]; then
            [ $optional = 1 ] && continue
            [ "$CHECK" = 1 ] || die "no package $asked can be had: are the node's package sources right?"
            chosen=${asked%%|*}
        fi
        names="$names $chosen" missing="$missing $chosen"
    done
}

keep_packages() {
    choose "$@"
    if [ "$CHECK" = 0 ]; then
        # shellcheck disable=SC2086
        printf '%s\n' $names | merge wanted
    fi
    [ -n "$missing" ] || return 0
    echo "installed$missing"
    [ "$CHECK" = 0 ] || return 0
    everything >"$record/before" || die "cannot write to $record"
    # shellcheck disable=SC2086
    install_them $missing || { refresh; install_them $missing; } || {
        status=$(grep -E '^(E:|Error|dpkg: error)' "$LOG" | head -n 1)
        noted
        die "cannot install$missing: ${status:-$(tail -n 1 "$LOG")}"
    }
    noted
}

# Whatever has come since the snapshot is ours, even where the installation broke off.
noted() {
    everything | comm -13 "$record/before" - | merge packages
    rm -f "$record/before"
}

# -- the rest

# Adds the lines of standard input to a file of the record that are not in it yet.
merge() {
    into=${2-$record}
    touch "$into/$1"
    sed '/^$/d' | sort -u "$into/$1" - >"$into/new" && mv "$into/new" "$into/$1"
}

recorded() { [ -f "$record/$1" ] && grep -qxF -e "$2" "$record/$1"; }

keep_file() {
    case $1 in /*) ;; *) die "not an absolute path: $1" ;; esac
    if recorded files "kept $1" || recorded files "absent $1" || { [ -d "$1" ] && [ ! -L "$1" ]; }; then return; fi
    if [ -e "$1" ] || [ -L "$1" ]; then
        mkdir -p "$record/copies${1%/*}"
        cp -a "$1" "$record/copies$1" || die "cannot keep a copy of $1"
        echo "kept $1" >>"$record/files"
    else
        echo "absent $1" >>"$record/files"
    fi
}

keep_unit() {
    [ -d /run/systemd/system ] || return 0
    [ -f "$record/units" ] && grep -q "^$1 " "$record/units" && return
    systemctl cat "$1" >/dev/null 2>&1 || return 0
    echo "$1 $(systemctl is-enabled "$1" 2>/dev/null || true) $(systemctl is-active "$1" 2>/dev/null || true)" >>"$record/units"
}

keep_name() {
    if [ "$1" = user ]; then id "$2" >/dev/null 2>&1; else grep -q "^$2:" /etc/group; fi && return
    echo "missing $1 $2"
    [ "$CHECK" = 1 ] || recorded "$1s" "$2" || echo "$2" >>"$record/$1s"
}

keep() {
    [ "$CHECK" = 1 ] || mkdir -p "$record" || die "$RECORDS cannot be written: is the root file system read-only?"
    kind='' packages=''
    for word; do
        case $word in --*) kind=${word#--} && continue ;; esac
        case $kind in
            package) packages="$packages $word" ;;
            file) [ "$CHECK" = 1 ] || keep_file "$word" ;;
            unit) [ "$CHECK" = 1 ] || keep_unit "$word" ;;
            *) keep_name "$kind" "$word" ;;
        esac
    done
    # shellcheck disable=SC2086
    [ -z "$packages" ] || [ $MANAGER != none ] || die 'neither apt-get nor rpm is here: install by hand'"$packages"
    # shellcheck disable=SC2086
    [ -z "$packages" ] || keep_packages $packages
}

# -- giving back

undo_files() {
    [ -f "$record/files" ] || return
    # The last first: a folder of ours is empty once its files are gone.
    sed '1!G;h;$!d' "$record/files" | while read -r state path; do
        if [ "$state" = kept ]; then
            if [ -f "$path" ] && [ ! -L "$path" ] && cmp -s "$path" "$record/copies$path"; then continue; fi
            echo "gave back $path"
            [ "$CHECK" = 1 ] || { rm -rf "$path.gridtui" && cp -a "$record/copies$path" "$path.gridtui" && mv -f "$path.gridtui" "$path"; }
        elif [ -d "$path" ] && [ ! -L "$path" ]; then
            [ "$CHECK" = 1 ] || rmdir "$path" 2>/dev/null && echo "removed $path"
        elif [ -e "$path" ] || [ -L "$path" ]; then
            echo "removed $path"
            [ "$CHECK" = 1 ] || rm -f "$path"
        fi
    done
}

undo_units() {
    [ -d /run/systemd/system ] || return
    [ "$CHECK" = 1 ] || ! grep -qs '/systemd/' "$record/files" || systemctl daemon-reload
    [ -f "$record/units" ] || return
    while read -r unit enabled active; do
        case $enabled in
            enabled) set -- enable ;;
            disabled) set -- disable ;;
            masked) set -- mask ;;
            *) set -- ;;
        esac
        # Stopped before it is masked: a unit that is masked while it runs counts as failed.
        case $active in active) set -- "$@" start ;; inactive) set -- stop "$@" ;; esac
        for verb; do [ "$CHECK" = 1 ] || systemctl -q "$verb" "$unit" 2>/dev/null; done
    done <"$record/units"
}

# What another role asks for as well stays, and is that role's from now on; so is what could not be removed.
undo_packages() {
    [ -s "$record/packages" ] && [ "$PACKAGES" = 1 ] || return 0
    left=$(cat "$record/packages") other=''
    for wanted in "$RECORDS"/*/wanted; do
        if [ ! -f "$wanted" ] || [ "$wanted" = "$record/wanted" ]; then continue; fi
        other=${wanted%/wanted}
        left=$(echo "$left" | grep -vxF -f "$wanted")
    done
    [ -n "$left" ] || return 0
    # shellcheck disable=SC2086
    echo removed packages $left
    [ "$CHECK" = 0 ] || return 0
    # shellcheck disable=SC2086
    remove_them $left
    [ -z "$other" ] || everything | comm -12 - "$record/packages" | merge packages "$other"
}

undo_names() {
    if [ -f "$record/users" ]; then
        while read -r name; do
            id "$name" >/dev/null 2>&1 || continue
            echo "removed user $name"
            [ "$CHECK" = 1 ] || remove_user "$name"
        done <"$record/users"
    fi
    if [ -f "$record/groups" ]; then
        while read -r name; do
            grep -q "^$name:" /etc/group || continue
            echo "removed group $name"
            [ "$CHECK" = 1 ] || groupdel "$name" 2>"$LOG" || die "cannot remove the group $name: $(tail -n 1 "$LOG")"
        done <"$record/groups"
    fi
}

# The home folder goes only when nothing but what a fresh one holds is in it: its files may be somebody's work.
remove_user() {
    home=$(getent passwd "$1" | cut -d: -f6)
    userdel "$1" >"$LOG" 2>&1 || ! id "$1" >/dev/null 2>&1 || die "cannot remove the user $1: $(tail -n 1 "$LOG")"
    [ -d "$home" ] && [ "$home" != / ] || return 0
    for file in /etc/skel/.[!.]*; do
        [ -f "$file" ] && cmp -s "$file" "$home/${file##*/}" && rm -f "$home/${file##*/}"
    done
    [ ! -d "$home/.ansible" ] || find "$home/.ansible" -depth -type d -empty -delete
    rmdir "$home/.ssh" "$home" 2>/dev/null || [ ! -d "$home" ] || echo "left $home: it is not empty"
}

undo() {
    [ -d "$record" ] || return 0
    undo_files
    undo_units
    undo_packages
    undo_names
    [ "$CHECK" = 1 ] || rm -rf "$record"
}

verb=$1 CHECK=$3
record=$RECORDS/$2
LOG=$(mktemp -p /run 2>/dev/null || mktemp 2>/dev/null || echo /dev/null)
trap 'rm -f "${LOG#/dev/null}"' EXIT
if has apt-get && has dpkg-query; then
    MANAGER=apt
elif has rpm; then
    MANAGER=rpm DNF=$(command -v dnf || command -v yum || command -v microdnf || echo dnf)
else
    MANAGER=none
fi
if [ "$verb" = keep ]; then
    CACHE=$4 LOCK=$5
    shift 5
    keep "$@"
else
    PACKAGES=$4 LOCK=$5
    undo
fi
