# Throws `darts` at the unit square. Prints how many there were, and how many fell into the quarter of the circle.
# A generator of its own (Park and Miller, 1988), because each awk has another: the same seed gives the same darts on every node.
function uniform() { state = (state * 48271) % 2147483647; return state / 2147483647 }
BEGIN {
    state = (seed * 7919 + 12345) % 2147483647
    for (i = 0; i < 100; i++) uniform()
    for (i = 0; i < darts; i++) {
        x = uniform(); y = uniform()
        if (x * x + y * y < 1) hits++
    }
    printf "%d %d\n", darts, hits
}
