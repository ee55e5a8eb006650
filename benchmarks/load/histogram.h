/* Latencies, counted in buckets that are at most 1/64 of their value wide. */
#ifndef LOAD_HISTOGRAM_H
#define LOAD_HISTOGRAM_H

#include <stdint.h>

enum {
    HISTOGRAM_STEPS = 64, /* of each power of two */
    HISTOGRAM_POWERS = 58,
    HISTOGRAM_BUCKETS = HISTOGRAM_STEPS * (HISTOGRAM_POWERS + 1),
};

struct Histogram {
    uint64_t buckets[HISTOGRAM_BUCKETS];
    uint64_t count;
    uint64_t max; /* nanoseconds */
};

/* Count `times` latencies of `ns` nanoseconds. */
void histogram_add(struct Histogram *histogram, uint64_t ns, uint64_t times);

/* Return the nanoseconds that a share of all, between 0 and 1, did not exceed. */
uint64_t histogram_quantile(const struct Histogram *histogram, double share);

#endif
