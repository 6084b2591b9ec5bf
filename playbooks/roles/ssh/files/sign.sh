# A certificate for a host key, by the CA on this machine: sign CA NAME NAMES DAYS, the public key on standard input.
# The certificate is standard output. CA is the private key's file, or its `.pub` where the private key is in the agent.
set -eu
umask 077
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/key.pub"
case $1 in *.pub) set -- "$@" -U ;; *) set -- "$@" -q ;; esac
# Valid since a while: the clocks of the others may be behind.
ssh-keygen "$5" -s "$1" -h -I "$2" -n "$3" -V "-1h:+$4d" "$folder/key.pub" </dev/null >"$folder/log" 2>&1 || {
    tail -n 1 "$folder/log" >&2
    exit 1
}
cat "$folder/key-cert.pub"
