# Sums up lines of `darts hits`: the estimate of pi, and its standard error (of a binomial share).
{ darts += $1; hits += $2 }
END {
    share = hits / darts
    printf "%.0f darts: pi = %.5f, give or take %.5f\n", darts, 4 * share, 4 * sqrt(share * (1 - share) / darts)
}
