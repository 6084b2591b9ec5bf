# The limits that can be set on this node, as JSON: look NAME=VALUE...
# One that cannot be set makes pam_limits refuse every login of the user: of those, the highest there is.
set -eu
limits=''
for pair; do
    name=${pair%%=*} value=${pair#*=}
    if ! prlimit "--$name=$value:$value" true 2>/dev/null; then
        value=$(prlimit "--$name" --noheadings --raw --output=HARD)
    fi
    limits="$limits${limits:+, }\"$name\": \"$value\""
done
echo "{$limits}"
