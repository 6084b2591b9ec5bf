# shellcheck shell=sh disable=SC2086,SC2154
# The question that a node is asked. POSIX shell for dash and busybox; only looks. The controller puts assignments before it:
#   N  the nonce that begins each section's marker    S  1: sudo may be tried    F  checksum of the services that it knows already
# and the text of all this is in q. A section is `@NONCE name`, then its lines; `@NONCE name ?why` says that it could not be seen.
LC_ALL=C
PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin:$PATH
export LC_ALL PATH
set -f
exec 2>/dev/null </dev/null

have() { command -v "$1" >/dev/null; }
s() { echo; echo "@$N $1"; }
x() { echo; echo "@$N $1 ?$2"; }
b() { head -n "$1" | cut -b "1-${2:-400}"; }

# Who logged in and from where, for sshd's Match blocks. Root's shell is told; both are hostile words by then.
: "${U:=$(id -un)}" "${C:=${SSH_CONNECTION:-}}"
case $U in *[!A-Za-z0-9._-]* | '') U=root ;; esac
case $C in *[!0-9A-Fa-f:.\ ]* | '') C='127.0.0.1 0 127.0.0.1 22' ;; esac
R=$(id -u)
if [ "$R" != 0 ] && [ "$S" = 1 ] && [ -z "${Z:-}" ] && have sudo; then
  # One try, which sudo logs where it refuses. The text goes through a pipe: sudo logs command lines whole.
  # shellcheck disable=SC2016
  printf '%s\n' "Z=1 U=$U C='$C'" "$q" | sudo -n -u root /bin/sh -c 'q=$(cat); eval "$q"' && exit 0
fi
T=
if timeout 5 true; then T='timeout 30'; fi

s who
echo "$R"
echo "$U"
date +%s
s os
{ cat /etc/os-release || cat /usr/lib/os-release; } | b 40
s container
if [ -e /.dockerenv ] || [ -e /run/.containerenv ] || [ -e /run/systemd/container ]; then echo yes; else echo no; fi

if have ss && o=$(ss -H -n -l -t -u -p) && [ "$o" ]; then
  s ports.ss
  echo "$o" | b 600
  s ports.units
  set --
  for p in $(echo "$o" | grep -o 'pid=[0-9]*' | sort -u | head -n 200); do set -- "$@" "/proc/${p#pid=}/cgroup"; done
  if [ $# -gt 0 ]; then grep -HE '^(0::|[0-9]+:name=systemd:)' "$@" | b 600; fi
elif [ -r /proc/net/tcp ]; then
  s ports.proc
  for f in tcp tcp6 udp udp6; do
    if [ -r "/proc/net/$f" ]; then
      grep -E '^ *[0-9]+: [0-9A-F]+:[0-9A-F]{4} [0-9A-F]+:[0-9A-F]{4} (0A|07) ' "/proc/net/$f" | sed "s/^/$f /" | cut -b 1-120 | head -n 300
    fi
  done
else
  x ports '/proc/net cannot be read'
fi

D=$(command -v sshd) || D=
if [ -z "$D" ]; then
  s sshd.none
else
  # A, L and P: the client's address, ours, our port.
  A=${C%% *} P=${C##* } L=${C% *}
  L=${L##* }
  o=$("$D" -T -C "user=$U,host=$A,addr=$A,laddr=$L,lport=$P") || o=$("$D" -T -C "user=$U,host=$A,addr=$A") || o=
  if [ "$o" ]; then
    s sshd.effective
    echo "$o" | b 200 2000
  else
    M=/etc/ssh/sshd_config
    if [ ! -e "$M" ]; then M=/usr/etc/ssh/sshd_config; fi
    if [ -r "$M" ]; then
      s sshd.files
      set +f
      for f in "$M" /etc/ssh/sshd_config.d/*; do
        if [ -f "$f" ]; then
          echo "file $f"
          # The blank tells a line of the file from a line of ours.
          if [ -r "$f" ]; then sed 's/^/ /' "$f" | grep -vE '^ [[:space:]]*(#|$)' | b 300; else echo unreadable; fi
        fi
      done
      set -f
    else
      x sshd 'needs root'
    fi
  fi
fi

if [ "$R" != 0 ]; then
  x firewall 'needs root'
else
  n=1
  if have nft && o=$(nft list ruleset); then
    n=
    s firewall.nft
    # Each chain that judges what comes in: its table, its policy, and its last rule.
    echo "$o" | awk '
      /^table /{t = $2 " " $3}
      /^[ \t]+chain /{c = $2; h = 0}
      /^[ \t]+type filter hook input /{h = 1; p = $0; l = ""; next}
      h && /^[ \t]+}$/{print t "|" c "|" p "|" l; h = 0; next}
      h && NF{l = $0}' | b 60 600
  fi
  # iptables of the old kind would load its modules only to be asked.
  for i in iptables ip6tables; do
    k=/proc/net/ip_tables_names
    if [ "$i" = ip6tables ]; then k=/proc/net/ip6_tables_names; fi
    if have "$i" && { { [ "$n" ] && "$i" -V | grep -q nf_tables; } || grep -q '^filter$' "$k"; }; then
      if o=$("$i" -w 3 -S INPUT); then
        n=
        s "firewall.$i"
        echo "$o" | sed -n '1p;$p' | b 2
      fi
    fi
  done
  if [ "$n" ]; then
    if have nft; then x firewall 'nft could not list its rules'; else s firewall.none; fi
  fi
fi

if have apt-get; then
  s updates.apt
  for f in /var/lib/apt/lists /var/lib/apt/lists/partial /var/lib/apt/periodic/update-success-stamp /var/lib/apt/periodic/update-stamp; do
    if [ -e "$f" ]; then echo "listed $(date -r "$f" +%s)"; fi
  done
  # shellcheck disable=SC2010
  ls /var/lib/apt/lists | grep -E '_(Packages|InRelease|Release)' | sed 's/^/list /' | b 100
  o=$(nice -n 10 $T apt-get -s -q -o Debug::NoLocking=1 dist-upgrade) && echo "$o" | grep '^Inst ' | b 500 && echo complete
elif have dnf || have yum; then
  if [ "$R" != 0 ]; then
    x updates 'needs root'
  else
    Y=dnf
    if ! have dnf; then Y=yum; fi
    s updates.dnf
    set +f
    # shellcheck disable=SC2012
    f=$(ls -dt /var/cache/dnf/*/repodata/repomd.xml /var/cache/libdnf5/*/repodata/repomd.xml /var/cache/yum/*/*/*/repomd.xml | head -n 1)
    set -f
    if [ "$f" ]; then echo "listed $(date -r "$f" +%s)"; fi
    # -C: only what lies there already.
    o=$(nice -n 10 $T "$Y" -q -C updateinfo list --security) && echo "$o" | b 500 && echo complete
  fi
else
  x updates 'neither apt nor dnf'
fi

if have apt-config; then
  s automatic.apt
  apt-config dump | grep -E '^APT::Periodic::(Enable|Unattended-Upgrade|Update-Package-Lists) ' | b 8
  if have unattended-upgrade; then echo program; fi
  if [ -d /run/systemd/system ]; then echo "timer $(systemctl is-enabled apt-daily-upgrade.timer)"; fi
elif have dnf || have yum; then
  s automatic.dnf
  for f in dnf-automatic.timer dnf-automatic-install.timer dnf5-automatic.timer; do echo "$f $(systemctl is-enabled "$f")"; done
  grep -E '^[[:space:]]*apply_updates[[:space:]]*=' /etc/dnf/automatic.conf /etc/dnf/dnf5-plugins/automatic.conf | b 4
else
  x automatic 'neither apt nor dnf'
fi

s clock
if have timedatectl && [ -d /run/systemd/system ]; then $T timedatectl show -p NTP -p NTPSynchronized | b 4; fi
set +f
cat /proc/[0-9]*/comm | grep -xE 'chronyd|ntpd|openntpd|ntpsec|systemd-timesyn|systemd-timesyncd' | sort -u | b 8
set -f

s accounts
awk -F: '$3 == 0 {print "uid0 " $1} $2 == "" {print "empty " $1}' /etc/passwd | b 50
if [ -r /etc/shadow ]; then
  awk -F: '$2 == "" {print "empty " $1}' /etc/shadow | b 50
  echo shadow
fi

if [ "$R" = 0 ]; then
  s sudo
  if have sudo; then
    set +f
    # sudo itself leaves out names with a dot or a tilde (sudoers(5)). Lines may go on behind a backslash.
    for f in /etc/sudoers /etc/sudoers.d/*; do
      case ${f#/etc/sudoers.d/} in *.* | *~) continue ;; esac
      if [ -f "$f" ]; then sed -e ':a' -e '/\\$/N; s/\\\n//; ta' "$f" | grep -E 'NOPASSWD|!authenticate' | grep -vE '^[[:space:]]*#' | b 50; fi
    done
    set -f
  fi
else
  x sudo 'needs root'
fi

s writable
for f in /usr/local/sbin /usr/local/bin /usr/sbin /usr/bin /sbin /bin /etc /etc/cron.d /etc/sudoers.d /etc/systemd/system; do
  if [ -d "$f" ] && [ ! -L "$f" ]; then $T find "$f" -maxdepth 1 ! -type l -perm -0002; fi
done | b 20

s mac
read -r o </sys/kernel/security/lsm && echo "lsm $o"
read -r o </sys/module/apparmor/parameters/enabled && echo "apparmor $o"
read -r o </sys/fs/selinux/enforce && echo "selinux $o"

s sysctls
set --
for f in kernel/randomize_va_space kernel/kptr_restrict kernel/dmesg_restrict kernel/unprivileged_bpf_disabled kernel/yama/ptrace_scope \
  kernel/sysrq fs/protected_hardlinks fs/protected_symlinks fs/protected_fifos fs/protected_regular fs/suid_dumpable \
  net/ipv4/tcp_syncookies net/ipv4/ip_forward net/ipv4/conf/all/rp_filter net/ipv4/conf/all/accept_redirects \
  net/ipv4/conf/all/accept_source_route net/ipv4/conf/all/send_redirects net/ipv4/icmp_echo_ignore_broadcasts \
  net/ipv6/conf/all/accept_redirects net/ipv6/conf/all/accept_source_route net/ipv6/conf/all/forwarding; do
  set -- "$@" "/proc/sys/$f"
done
# Not `read`: it takes a byte at a time, and these files give one and no more.
grep -sH '' "$@" | b 60

s ids
sed 33q /var/lib/gridtui/ids/status

s reboot
if [ -e /run/reboot-required ] || [ -e /var/run/reboot-required ]; then echo file; fi
if have rpm && [ ! -e /run/.containerenv ] && [ ! -e /.dockerenv ] && o=$(rpm -q --last kernel-core); then
  echo "$o" | sed 's/^kernel-core-\([^ ]*\) .*/newest \1/' | b 1
  echo "running $(uname -r)"
fi
echo complete

if [ -r /var/log/lynis-report.dat ]; then
  s lynis
  grep -E '^(hardening_index|report_datetime_end|lynis_version)=' /var/log/lynis-report.dat | b 8
elif [ "$R" != 0 ]; then
  x lynis 'needs root'
else
  s lynis.none
fi

# Last, because it may take its time: all else has been said by then.
if [ -d /run/systemd/system ] && have systemd-analyze; then
  # shellcheck disable=SC2012
  f=$({
    systemctl list-units --type=service --all --plain --no-legend --no-pager | cut -d ' ' -f 1
    ls -lLR /etc/systemd/system /usr/lib/systemd/system
  } | cksum | tr -cd '0-9')
  if [ "$f" = "$F" ]; then
    s services.same
    echo "$f"
  elif o=$(nice -n 10 $T systemd-analyze security --no-pager) && [ "$o" ]; then
    s services
    echo "$f"
    echo "$o" | b 400 160
  else
    x services 'systemd-analyze security gave nothing'
  fi
else
  s services.none
fi
s cost
times
s end
exit 0
