# Counts the words of the files whose turn it is: `part-JOB-LETTERS`, a line `COUNT WORD` each. $1: which job; $2: of how many.
set -eu
LC_ALL=C
export LC_ALL
turn=0
for file in texts/*.md; do
    turn=$((turn % $2 + 1))
    [ "$turn" -ne "$1" ] || cat "$file"
done | tr 'A-Z' 'a-z' | tr -cs 'a-z' '\n' | awk -v job="$1" '
    length { count[$0]++ }
    END {
        for (word in count) print count[word], word > ("part-" job "-" index("abcdefghijklmnopqrstuvwxyz", substr(word, 1, 1)) % 4)
    }'
