# Adds up what all map jobs counted of some letters. $1: which letters.
set -eu
cat parts/part-*-"$1" | awk '{ count[$2] += $1 } END { for (word in count) print count[word], word }' > "count-$1"
