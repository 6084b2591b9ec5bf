#!/bin/sh
# Install what PROGRAMs need: tests/needs.sh PROGRAM...
#
# For Debian and Ubuntu (apt-get) and Fedora (dnf). Does nothing, and needs no rights, when all of them are there.
# A service that comes with a package is neither started nor enabled: a test that wants sshd starts its own.
# Ends with 1 and one line when it cannot.
set -u
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

fail() {
    echo "needs.sh: $*" >&2
    exit 1
}

# Whether PROGRAM is here already.
present() {
    case $1 in
        # Debian has Python's venv in a package apart; without it `python3 -m venv` fails halfway.
        *python*-venv) "${1%-venv}" -c 'import ensurepip, venv' >/dev/null 2>&1 ;;
        node_exporter) command -v node_exporter || command -v prometheus-node-exporter ;;
        debootstrap) command -v debootstrap && ls /usr/share/keyrings/debian-archive-keyring.* ;;
        # moreutils has another program of that name.
        parallel) parallel --version | grep GNU ;;
        dockerd) command -v dockerd && command -v docker && command -v iptables ;;
        *) command -v "$1" ;;
    esac >/dev/null 2>&1
}

# The packages of PROGRAM.
debian() {
    case $1 in
        sshd) echo openssh-server ;;
        ssh | ssh-keygen | ssh-agent | ssh-add | scp | sftp) echo openssh-client ;;
        ping) echo iputils-ping ;;
        ip | ss | tc) echo iproute2 ;;
        free | ps | uptime) echo procps ;;
        script) echo bsdutils ;;
        clush | nodeset) echo clustershell ;;
        docker | dockerd)
            echo docker.io iptables
            # From Debian 13 on the client is a package of its own.
            if apt-cache show docker-cli >/dev/null 2>&1; then echo docker-cli; fi
            ;;
        debootstrap) echo debootstrap debian-archive-keyring ;;
        node_exporter) echo prometheus-node-exporter ;;
        *python*-venv) basename "$1" ;;
        *) echo "$1" ;;
    esac
}

fedora() {
    case $1 in
        sshd) echo openssh-server ;;
        ssh | ssh-keygen | ssh-agent | ssh-add | scp | sftp) echo openssh-clients ;;
        ping) echo iputils ;;
        ip | ss) echo iproute ;;
        tc) echo iproute-tc ;;
        free | ps | uptime) echo procps-ng ;;
        script) echo util-linux ;;
        clush | nodeset) echo clustershell ;;
        docker | dockerd) echo moby-engine docker-cli iptables-nft ;;
        debootstrap) echo debootstrap debian-keyring ;;
        node_exporter) echo node-exporter ;;
        pdsh) echo pdsh pdsh-rcmd-ssh ;;
        shellcheck) echo ShellCheck ;;
        *python*-venv) basename "$1" -venv ;;
        *) echo "$1" ;;
    esac
}

# The services that come with PROGRAM's package.
services() {
    case $1 in
        sshd) echo ssh.service ssh.socket sshd.service ;;
        dockerd | docker) echo docker.service docker.socket containerd.service ;;
        node_exporter) echo prometheus-node-exporter.service node_exporter.service ;;
    esac
}

missing=
for program; do
    present "$program" || missing="$missing $program"
done
[ -n "$missing" ] || exit 0

sudo=
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || fail "missing:$missing; only root may install packages, and there is no sudo"
    sudo=sudo
    [ -t 0 ] || sudo="sudo -n" # nobody is there to type a password
    $sudo true || fail "missing:$missing; run as root: tests/needs.sh$missing"
fi

if command -v apt-get >/dev/null; then
    # A third-party source that is out of order must not keep Debian's own packages from us.
    $sudo apt-get -qq update </dev/null || true
    packages=$(for program in $missing; do debian "$program"; done | sort -u)
elif command -v dnf >/dev/null; then
    packages=$(for program in $missing; do fedora "$program"; done | sort -u)
else
    fail "missing:$missing; this is neither Debian, Ubuntu nor Fedora: install them by hand"
fi

# shellcheck disable=SC2086 # lists of names, split on purpose
set -- $packages
echo "needs.sh: installing $*" >&2
if command -v apt-get >/dev/null; then
    # invoke-rc.d(8): 101 forbids a package to start its service. One that the machine has is left as it is.
    if [ ! -e /usr/sbin/policy-rc.d ]; then
        trap '$sudo rm -f /usr/sbin/policy-rc.d' EXIT
        trap 'exit 1' HUP INT TERM
        printf '#!/bin/sh\nexit 101\n' | $sudo tee /usr/sbin/policy-rc.d >/dev/null
        $sudo chmod 755 /usr/sbin/policy-rc.d
    fi
    log=$($sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends \
        -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 install "$@" </dev/null 2>&1)
else
    log=$($sudo dnf -q -y --setopt=install_weak_deps=False install "$@" </dev/null 2>&1)
fi || {
    echo "$log" | tail -n 5 >&2
    fail "could not install: $*"
}

for program in $missing; do
    present "$program" || fail "$program is still missing after the installation of: $*"
    if command -v systemctl >/dev/null; then
        for service in $(services "$program"); do
            $sudo systemctl disable "$service" >/dev/null 2>&1 || true
        done
    fi
done
