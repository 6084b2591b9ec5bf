# A small keeper: keeper.sh FOLDER UNIT. It sources FOLDER/launcher, starts the job, does what FOLDER/driver says meanwhile, and tells what became of
# it. As in the runner's, no names are split but at blanks, nothing is globbed, and nothing can be read by others.
set -f
IFS=' '
umask 077
cd "$1" || exit
job=$1 work=$1/work unit=$2
exec 2>keeper.err
. "$job/launcher"
( cd "$work" && launch ) >out 2>&1 3>&- </dev/null &
pid=$!
until_file() {
    rounds=0
    until [ -s "$1" ] || [ $rounds -ge 3000 ]; do
        sleep 0.02
        rounds=$((rounds + 1))
    done
}
. "$job/driver"
wait "$pid"
code=$?
usage >usage
said=''
if oom; then said="$said oom"; fi
if began; then said="$said began"; fi
sweep
sweep
printf 'exit %s\n' "$code" >>usage
printf 'said%s\n' "$said" >>usage
[ ! -s refused ] || printf 'refused %s\n' "$(cat refused)" >>usage
cat usage
printf 'out\n'
cat out keeper.err
